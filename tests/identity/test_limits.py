"""What is done too often is refused, whatever becomes of the request that counted."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import time_machine
from flask import Response
from house import House, environ_of
from sqlalchemy import select

from app import background, config
from app.caching import RedisCache
from app.config import SettingError
from app.counting import Limit, MemoryCounts, RedisCounts, Taken
from app.database import now, random_id
from app.errors import ConflictError, TooManyError
from app.factory import create_app
from app.identity.models import Attempts
from app.identity.services.limits import Limiter, network_of
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Endpoints, Limited, register

FROM_AFAR = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}}
SEALER = Sealer("a secret of the tests, long enough to be one")
WHO = ""
TWO = {"codes.account": Limit(2, 900), "search.account": Limit(2, 60)}


@pytest.fixture
def limiter(house: House) -> Limiter:
    return Limiter(house.database, house.adapters.cache, SEALER, TWO)


@pytest.fixture(autouse=True)
def somebody_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share a Redis."""
    monkeypatch.setitem(globals(), "WHO", random_id())


def counted(house: House) -> list[tuple[str, int]]:
    with house.database.transaction(writes=False) as session:
        return [(row.key, row.count) for row in session.scalars(select(Attempts))]


@pytest.mark.embedded
def test_one_too_many_is_refused_until_the_span_ends(limiter: Limiter) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        first = limiter.spend("codes", "account", WHO)
        assert first is not None
        assert (first.left, first.reset) == (1, 900)
        limiter.spend("codes", "account", WHO)
        clock.shift(timedelta(seconds=60))
        with pytest.raises(TooManyError) as refused:
            limiter.spend("codes", "account", WHO)
        limiter.spend("codes", "account", "b")
        assert refused.value.retry_after == 840
        clock.shift(timedelta(seconds=840))
        limiter.spend("codes", "account", WHO)


def test_what_has_no_limit_passes(limiter: Limiter) -> None:
    assert [limiter.spend("codes", "address", "192.0.2.1/32") for _ in range(9)] == [None] * 9


def test_what_is_forgotten_begins_anew(limiter: Limiter) -> None:
    for _ in range(2):
        limiter.spend("codes", "account", WHO)
    limiter.forget("codes", "account", WHO)
    limiter.spend("codes", "account", WHO)


def test_many_at_once_are_counted_each(house: House) -> None:
    limit = {"codes.account": Limit(20, 900)}
    limiters = [Limiter(house.database, house.adapters.cache, SEALER, limit) for _ in range(4)]
    refused: list[TooManyError] = []

    def spend(limiter: Limiter) -> None:
        for _ in range(6):
            try:
                limiter.spend("codes", "account", WHO)
            except TooManyError as error:
                refused.append(error)

    threads = [Thread(target=spend, args=(limiter,)) for limiter in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4


@pytest.mark.embedded
def test_nobody_is_named_where_it_is_counted(house: House, limiter: Limiter) -> None:
    limiter.spend("codes", "account", "13800000000")
    ((key, count),) = counted(house)
    assert count == 1
    assert key.startswith("codes.account:")
    assert "13800000000" not in key
    other = Limiter(house.database, house.adapters.cache, Sealer("another" * 8), TWO)
    other.spend("codes", "account", "13800000000")
    assert len(counted(house)) == 2


@pytest.mark.embedded
def test_searching_writes_nothing(house: House, limiter: Limiter) -> None:
    for _ in range(2):
        limiter.spend("search", "account", WHO)
    with pytest.raises(TooManyError):
        limiter.spend("search", "account", WHO)
    assert counted(house) == []


@pytest.mark.embedded
def test_what_has_ended_is_purged(house: House, limiter: Limiter) -> None:
    limiter.spend("codes", "account", WHO)
    background.purge(house.adapters)
    assert len(counted(house)) == 1
    with time_machine.travel(now() + timedelta(seconds=901)):
        background.purge(house.adapters)
    assert counted(house) == []


@pytest.mark.embedded
def test_without_redis_codes_are_counted_in_the_database(house: House) -> None:
    away = RedisCache("redis://127.0.0.1:1/0")
    limiter = Limiter(house.database, away, SEALER, TWO)
    for _ in range(2):
        limiter.spend("codes", "account", WHO)
    with pytest.raises(TooManyError):
        limiter.spend("codes", "account", WHO)
    limiter.spend("search", "account", WHO)
    assert [count for _, count in counted(house)] == [3]


@pytest.mark.engines
def test_redis_counts_for_every_process(house: House) -> None:
    if not isinstance(house.adapters.cache, RedisCache):
        pytest.skip("the cache is not Redis")
    one, two = RedisCounts(house.adapters.cache), RedisCounts(house.adapters.cache)
    first, second = one.take(WHO, 900), two.take(WHO, 900)
    assert first is not None
    assert second is not None
    assert (first.count, second.count) == (1, 2)
    assert 890 < second.left <= 900
    two.forget(WHO)
    third = one.take(WHO, 900)
    assert third is not None
    assert third.count == 1


def test_a_process_forgets_the_oldest_first() -> None:
    clock = iter(range(10**6))
    counts = MemoryCounts(lambda: next(clock))
    assert counts.take("a", 100) == Taken(1, 100)
    assert counts.take("a", 100) == Taken(2, 99)
    for number in range(100_000):
        counts.take(f"{number}", 10**6)
    assert counts.take("99999", 10**6).count == 2
    assert counts.take("a", 100).count == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_a_network_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


class TestOverHttp:
    @pytest.fixture
    def house(self, tmp_path: Path) -> Iterator[House]:
        made = House(tmp_path / "data", limits="search.address=2/60,search.account=3/60")
        yield made
        made.close()

    def test_a_search_says_what_is_left_and_is_then_refused(self, house: House) -> None:
        answers = [house.client.get("/api/v1/search?q=a", **FROM_AFAR) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        policy = '"search.address";q=2;w=60'
        assert {answer.headers["RateLimit-Policy"] for answer in answers} == {policy}
        assert answers[0].headers["RateLimit"].startswith('"search.address";r=1;t=')
        refused = answers[2]
        assert refused.content_type == "application/problem+json"
        assert refused.json["type"] == "/problems/too-many"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit"].startswith('"search.address";r=0;t=')
        assert "203.0.113" not in refused.text
        elsewhere = {"environ_base": {"REMOTE_ADDR": "203.0.113.8"}}
        assert house.client.get("/api/v1/search?q=a", **elsewhere).status_code == 200
        assert house.client.get("/search?q=a", **FROM_AFAR).status_code == 429

    def test_an_account_counts_as_one_from_wherever_it_asks(self, house: House) -> None:
        token = house.token()
        answers = [
            house.client.get(
                "/api/v1/search?q=a",
                headers=token,
                environ_base={"REMOTE_ADDR": f"203.0.113.{number}"},
            ).status_code
            for number in range(4)
        ]
        assert answers == [200, 200, 200, 429]

    def test_the_machine_itself_is_not_counted(self, house: House) -> None:
        codes = {house.client.get("/api/v1/search?q=a").status_code for _ in range(5)}
        assert codes == {200}


def _trying(house: House) -> None:
    """An endpoint that writes, and then always fails."""
    tries = Endpoints("tests.tries")

    @tries.post(
        "/api/v1/tries/<who>",
        Permission.PUBLIC,
        limited=Limited("sign-in"),
    )
    def make(session: Any, caller: Caller, who: str) -> Response:
        session.add(Attempts(key=f"{who}{caller.address}", count=1, since=now(), until=now()))
        session.flush()
        raise ConflictError("no")

    register(house.app, tries)


def test_what_fails_is_counted_all_the_same(tmp_path: Path) -> None:
    house = House(tmp_path / "data", limits="sign-in.address=2/60")
    _trying(house)
    answers = [house.client.post("/api/v1/tries/a", **FROM_AFAR) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409, 409, 429]
    elsewhere = {"environ_base": {"REMOTE_ADDR": "203.0.113.8"}}
    assert house.client.post("/api/v1/tries/a", **elsewhere).status_code == 409
    house.close()


@pytest.mark.parametrize("limits", ["search=1/2", "search.address=1", "search.adress=1/60"])
def test_a_limit_that_there_is_not_ends_the_start(tmp_path: Path, limits: str) -> None:
    environ = {**environ_of(tmp_path), "KAIJUAN_LIMITS": limits}
    with pytest.raises(SettingError, match="KAIJUAN_LIMITS"):
        create_app(config.load(environ, tmp_path / "no.env"))
