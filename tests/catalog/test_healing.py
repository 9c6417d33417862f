"""An index that lost what it held: nobody is told that there is nothing, and it heals by itself."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from house import House
from sqlalchemy import delete

from app import background
from app.catalog.cli.indexing import rebuild
from app.catalog.models import DirtyRecord, RecordRow
from app.catalog.services import dirty, healing
from app.catalog.services.healing import LOOKED, RESTED, Healer, judge
from app.catalog.services.leading import leading
from app.operating.doctor import examine
from search.alias import AliasedIndex
from search.documents import Tombstone
from search.index import Query
from search.rebuild import RebuildRefusedError

SEARCH = "/api/v1/search"


@pytest.fixture
def titles(house: House) -> dict[str, str]:
    """Five records by their titles, found."""
    made = {f"县志第{number}卷": house.record(f"县志第{number}卷") for number in range(5)}
    assert found(house, "县志") == (5, False)
    return made


@pytest.fixture
def alias(house: House, monkeypatch: pytest.MonkeyPatch) -> AliasedIndex:
    """The index as its keeper has it; what it was called a moment ago is asked again."""
    monkeypatch.setattr("search.backends.elasticsearch.pointer._STALE", 0.0)
    return cast(AliasedIndex, house.adapters.index)


def found(house: House, words: str) -> tuple[int, bool]:
    """How many records are found, and whether degraded, by a process that begins now."""
    house.open_doors()
    answer: Any = house.json(SEARCH, query_string={"q": words})
    return len(answer["items"]), answer["degraded"]


def lose(house: House, alias: AliasedIndex) -> None:
    """The engine begins anew with nothing, as with another disk."""
    for name in {*filter(None, msgspec.structs.astuple(alias.generations)), "state"}:
        alias.remove(name)
    if house.settings.search_url.startswith("sqlite"):
        alias.pointer._pointer.unlink(missing_ok=True)  # type: ignore[attr-defined]


def empty(alias: AliasedIndex, ids: list[str]) -> None:
    """The engine is as it was, but what it held is gone."""
    alias.write([Tombstone(one, 9) for one in ids])


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def healer(house: House, alias: AliasedIndex, clock: Clock | None = None) -> Healer:
    """As the worker has one."""
    return Healer(
        house.database, alias, lambda: rebuild(house.adapters, quiet=True), clock or Clock()
    )


def test_an_engine_that_lost_everything_finds_by_the_database_until_it_is_healed(
    house: House, alias: AliasedIndex, titles: dict[str, str]
) -> None:
    lose(house, alias)
    for _ in range(2):
        assert found(house, "县志第1卷") == (1, True)
        assert house.client.get(SEARCH, query_string={"q": "志第"}).status_code == 503
        house.index()  # an open drain makes an index, and it is believed no more than none
    assert healer(house, alias)() == 1
    assert found(house, "志第") == (5, False)
    assert (alias.count(), alias.generations.unfilled) == (5, "")


def test_who_has_searched_before_sees_that_names_are_gone(
    house: House, alias: AliasedIndex, titles: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalog.services.searches.LIFE", 0.01)
    rebuild(house.adapters, quiet=True)
    assert not house.json(SEARCH, query_string={"q": "县志"})["degraded"]
    lose(house, alias)
    assert house.json(SEARCH, query_string={"q": "县志第2卷"})["degraded"]
    assert healer(house, alias)() == 1
    assert not house.json(SEARCH, query_string={"q": "县志第3卷"})["degraded"]


@pytest.mark.parametrize("kept", [0, 2])
def test_an_index_that_holds_far_less_is_seen_by_its_keeper_and_said_to_be(
    house: House, alias: AliasedIndex, titles: dict[str, str], kept: int
) -> None:
    empty(alias, list(titles.values())[kept:])
    keeper = healer(house, alias)
    with leading(house.database):  # somebody else rebuilds
        assert keeper() == 0
    assert not alias.generations.unfilled
    assert not judge(house.database, alias)
    assert found(house, "县志第4卷") == (1, True)
    state = house.json("/readyz")["index"]
    assert (state["ok"], state["degraded"]) == (False, True)
    assert "filled anew" in state["detail"]
    told = {one.what: one for one in examine(house.settings, house.adapters)}["engine: index"]
    assert (told.ok, "filled anew" in told.detail) == (False, True)
    assert healer(house, alias)() == 1
    assert found(house, "县志第4卷")[1] is False
    assert house.json("/readyz")["index"]["ok"]


def test_a_few_that_are_missing_and_what_waits_are_nothing_to_rebuild_for(
    house: House, alias: AliasedIndex, titles: dict[str, str]
) -> None:
    ids = list(titles.values())
    empty(alias, ids[:2])
    assert judge(house.database, alias)
    empty(alias, ids)
    with house.database.transaction() as session:
        dirty.mark(session, [(one, 10) for one in ids])
    assert judge(house.database, alias)


def test_what_cannot_be_rebuilt_is_not_tried_all_the_time(
    house: House, alias: AliasedIndex, titles: dict[str, str]
) -> None:
    tried: list[float] = []
    clock = Clock()

    def refuse() -> None:
        tried.append(clock.at)
        raise RebuildRefusedError("g000002", "no")

    keeper = Healer(house.database, alias, refuse, clock)
    assert keeper() == 0
    lose(house, alias)
    for _ in range(int(2 * RESTED)):
        try:
            keeper()
        except RebuildRefusedError:
            assert alias.generations.unfilled
        clock.at += 1
    assert len(tried) == 2
    assert tried[1] - tried[0] >= RESTED


def test_a_healed_index_is_left_alone(
    house: House, alias: AliasedIndex, titles: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks = Clock(), list[float]()
    keeper = healer(house, alias, clock)
    lose(house, alias)
    assert keeper() == 1
    seen = alias.generations

    def judged(*_: object) -> bool:
        looks.append(clock.at)
        return True

    monkeypatch.setattr(healing, "judge", judged)
    for _ in range(int(2 * LOOKED)):
        clock.at += 1
        assert keeper() == 0
    assert (alias.generations, len(looks)) == (seen, 2)


def test_a_library_that_was_emptied_is_no_lost_index(house: House, alias: AliasedIndex) -> None:
    lose(house, alias)
    assert healer(house, alias)() == 0
    assert found(house, "")[1] is False
    with house.database.transaction() as session:
        session.execute(delete(DirtyRecord))
        session.execute(delete(RecordRow))
    assert judge(house.database, alias)


def test_the_worker_looks_after_its_index(
    house: House, alias: AliasedIndex, titles: dict[str, str]
) -> None:
    lose(house, alias)
    drains = background.drains(house.adapters, house.adapters.guarded())
    assert drains["search.healing"]() == 1
    assert alias.search(Query(words="县志")).total == 5
