"""Uses: places where readers are limited in number, taken by opening and kept by reading."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from archives import epub
from click.testing import CliRunner
from database.plans import issued
from house import House, environ_of
from sqlalchemy import func, select
from test_asking import hold

from app import background
from app.catalog.services import changes
from app.cli import main
from app.database import now
from app.identity import accounts
from app.identity.models import Account, Library, Turnaway, Use
from app.identity.policies import Policy, Rules
from app.identity.services import closing, policies, uses
from app.usage.models import UsageFact

NOON = datetime.fromisoformat("2096-03-10T12:00:00+08:00")
Headers = dict[str, str]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A network of libraries, nothing kept in caches, and a store that knows no other clock."""
    store = f"file://{tmp_path / 'store'}"
    made = House(tmp_path / "data", cache_url="none://", storage_url=store)
    made.network()
    yield made
    made.close()


@pytest.fixture
def book(house: House, tmp_path: Path) -> str:
    """A book of the north that one reader may have open at a time."""
    record = house.take(epub(tmp_path / "a.epub", chapters=3), "north").record or ""
    house.index()
    limit(house, record, at_once=1)
    return record


def limit(house: House, record: str, **rules: Any) -> None:
    """Says who may use a record."""
    with house.database.transaction() as session:
        row = changes.load(session, record)
        row.policy = policies.kept(session, Rules(**rules), "policy") if rules else Policy.OPEN


def reader(house: House) -> Headers:
    """The headers of somebody with an account."""
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        return {"Authorization": f"Bearer {token_of(house, account.id, session)}"}


def token_of(house: House, account: str, session: Any) -> str:
    """Another secret of an account: another device."""
    return accounts.issue(session, account, "token", life=timedelta(days=40_000))


def opened(house: House, record: str, headers: Headers, kind: str = "books") -> Any:
    """How opening is answered."""
    return house.client.get(f"/api/v1/{kind}/{record}/manifest", headers=headers)


def chapter(answer: Any, number: int = 0) -> str:
    """The address of a part, as the manifest says."""
    return str(answer.json["readingOrder"][number]["href"])


def mine(house: House, headers: Headers) -> list[Any]:
    """One's uses."""
    found: list[Any] = house.json("/api/v1/me/uses", headers=headers)["items"]
    return found


def status(house: House, path: str, method: str = "GET", headers: Headers | None = None) -> int:
    """How a request is answered."""
    answer = house.client.open(path, method=method, headers=headers)
    answer.close()
    return answer.status_code


def test_opening_takes_a_place_and_whoever_comes_next_is_told_when_it_is_free(
    house: House, book: str
) -> None:
    with time_machine.travel(NOON, tick=False):
        assert opened(house, book, {}).json["reason"] == "sign-in"
        first, second = opened(house, book, reader(house)), opened(house, book, reader(house))
    assert (first.status_code, second.status_code) == (200, 403)
    [itself] = [link for link in first.json["links"] if link["rel"] == "self"]
    until = {"state": "available", "until": "2096-03-10T04:30:00.000000Z"}
    assert itself["properties"]["availability"] == until
    assert second.json["reason"] == "in-use"
    assert second.json["about"] == {"at_once": "1", "free": "2096-03-10 16:00"}
    assert "2096-03-10 16:00" in second.json["remedy"]


def test_one_reader_takes_one_place_on_however_many_devices(house: House, book: str) -> None:
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者").id
        phone, tablet = (
            {"Authorization": f"Bearer {token_of(house, account, session)}"} for _ in range(2)
        )
    assert [opened(house, book, device).status_code for device in (phone, tablet)] == [200, 200]
    assert [one["record"]["id"] for one in mine(house, phone)] == [book]
    assert mine(house, phone) == mine(house, tablet)


def test_a_place_that_is_given_back_is_the_next_ones_and_what_was_open_closes(
    house: House, book: str
) -> None:
    one, other = reader(house), reader(house)
    address = chapter(opened(house, book, one))
    assert status(house, address) == 200
    [use] = mine(house, one)
    path = f"/api/v1/me/uses/{use['id']}"
    assert status(house, path, "DELETE", other) == 404
    assert [status(house, path, "DELETE", one) for _ in range(2)] == [204, 204]
    refused = house.client.get(address)
    assert (refused.status_code, refused.json["reason"]) == (403, "grant")  # type: ignore[index]
    assert opened(house, book, other).status_code == 200
    assert opened(house, book, one).json["reason"] == "in-use"
    assert mine(house, one)[0]["ended"] is not None


def test_a_use_ends_when_nothing_is_read_and_goes_on_while_something_is(
    house: House, book: str
) -> None:
    one, other = reader(house), reader(house)
    with time_machine.travel(NOON, tick=False) as clock:
        address = chapter(opened(house, book, one))
        clock.shift(timedelta(minutes=25))
        assert status(house, address, "HEAD") == 200
        assert mine(house, one)[0]["until"].startswith("2096-03-10T04:30")
        assert status(house, address) == 200
        assert mine(house, one)[0]["until"].startswith("2096-03-10T04:50")
        clock.shift(timedelta(minutes=10))
        assert opened(house, book, other).status_code == 403
        assert status(house, address) == 403, "the grant has ended, not the use"
        assert status(house, chapter(opened(house, book, one))) == 200
        clock.shift(timedelta(minutes=35))
        assert opened(house, book, other).status_code == 200


def test_no_use_goes_on_for_longer_than_its_policy_says(house: House, book: str) -> None:
    limit(house, book, at_once=1, use_minutes=45)
    one, other = reader(house), reader(house)
    with time_machine.travel(NOON, tick=False) as clock:
        opened(house, book, one)
        clock.shift(timedelta(minutes=25))
        address = chapter(opened(house, book, one))
        assert opened(house, book, other).json["about"]["free"] == "2096-03-10 12:45"
        clock.shift(timedelta(minutes=19))
        assert status(house, address) == 200
        clock.shift(timedelta(minutes=1))
        assert status(house, address) == 403, "nor does a grant outlive its use"
        assert opened(house, book, other).status_code == 200
        assert opened(house, book, one).status_code == 403


def test_asking_what_there_is_takes_no_place(house: House, book: str) -> None:
    one = reader(house)
    door = f"/api/v1/books/{book}"
    for method, path in (
        ("HEAD", f"{door}/manifest"), ("HEAD", f"{door}/download"), ("GET", f"{door}/positions"),
        ("GET", door), ("GET", f"/read/{book}"), ("OPTIONS", f"{door}/manifest"),
    ):  # fmt: skip
        assert status(house, path, method, one) in (200, 302)
    assert mine(house, one) == []
    assert status(house, f"{door}/download", "GET", one) in (200, 302)
    assert [use["ended"] for use in mine(house, one)] == [None]


def test_what_belongs_together_is_counted_together(house: House, tmp_path: Path) -> None:
    journal = house.record("学报", kind="journal", library="north")
    issue = house.record("第一期", kind="issue", parent_id=journal, library="north")
    file = house.take(epub(tmp_path / "a.epub"), "north").record or ""
    articles = [articled(house, file, issue, number) for number in range(2)]
    limit(house, journal, at_once=1)
    one, other = reader(house), reader(house)
    assert [opened(house, a, one, "articles").status_code for a in articles] == [200, 200]
    assert opened(house, articles[0], other, "articles").json["reason"] == "in-use"
    for use in mine(house, one):
        assert opened(house, articles[0], other, "articles").status_code == 403
        status(house, f"/api/v1/me/uses/{use['id']}", "DELETE", one)
    assert opened(house, articles[1], other, "articles").status_code == 200


def articled(house: House, book: str, issue: str, number: int) -> str:
    """An article that holds what the book holds."""
    record = house.record(f"论文{number}", kind="article", parent_id=issue, library="north")
    hold(house, record, book)
    return record


def test_a_librarys_number_is_of_its_own_records_together(house: House, tmp_path: Path) -> None:
    places = (("a", "north"), ("b", "north"), ("c", "north-1"))
    books = [
        house.take(epub(tmp_path / f"{n}.epub", identifier=f"urn:x:{n}"), at).record or ""
        for n, at in places
    ]
    with house.database.transaction() as session:
        name = policies.kept(session, Rules(at_once=1), "policy")
        session.get_one(Library, "north").policy = name
    one, other = reader(house), reader(house)
    assert opened(house, books[0], one).status_code == 200
    said = [opened(house, book, other).status_code for book in books]
    assert said == [403, 403, 200], "a library below has a number of its own"
    assert opened(house, books[1], one).status_code == 200
    assert mine(house, other) == [], "what asks for no number counts nobody"


def test_of_many_at_once_no_more_come_in_than_may(house: House, book: str) -> None:
    limit(house, book, at_once=3)
    readers = [reader(house) for _ in range(12)]

    def comes(headers: Headers) -> int:
        path = f"/api/v1/books/{book}/manifest"
        return house.app.test_client().get(path, headers=headers).status_code

    with ThreadPoolExecutor(12) as pool:
        answers = sorted(pool.map(comes, readers))
        assert answers == [200] * 3 + [403] * 9
        again = list(pool.map(comes, [one for one in readers for _ in range(3)]))
    assert again.count(200) == 9, "who is in comes in again, and nobody else"
    with house.database.transaction(writes=False) as session:
        live = select(func.count(Use.account_id.distinct()), func.count(Use.id))
        assert tuple(session.execute(live.where(Use.ended_at.is_(None))).one()) == (3, 3)


def test_of_those_who_wait_for_one_place_one_gets_it(house: House, book: str) -> None:
    holder, waiting = reader(house), [reader(house) for _ in range(8)]
    for _ in range(3):
        opened(house, book, holder)
        [use] = [one for one in mine(house, holder) if one["ended"] is None]

        def comes(headers: Headers) -> int:
            path = f"/api/v1/books/{book}/manifest"
            return house.app.test_client().get(path, headers=headers).status_code

        status(house, f"/api/v1/me/uses/{use['id']}", "DELETE", holder)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(comes, waiting))
        assert answers.count(200) == 1
        winner = waiting[answers.index(200)]
        [won] = [one for one in mine(house, winner) if one["ended"] is None]
        status(house, f"/api/v1/me/uses/{won['id']}", "DELETE", winner)


def test_two_numbers_are_taken_together_or_not_at_all(house: House, book: str) -> None:
    with house.database.transaction() as session:
        name = policies.kept(session, Rules(at_once=2), "policy")
        session.get_one(Library, "north").policy = name
    one, other = reader(house), reader(house)
    with ThreadPoolExecutor(6) as pool:
        asked = [one, other] * 3
        answers = list(pool.map(lambda h: opened_apart(house, book, h), asked))
    assert sorted(answers) == [200] * 3 + [403] * 3
    with house.database.transaction(writes=False) as session:
        assert session.scalar(select(func.count()).select_from(Use)) == 1


def opened_apart(house: House, record: str, headers: Headers) -> int:
    """As :func:`opened`, from a client of one's own."""
    path = f"/api/v1/books/{record}/manifest"
    return house.app.test_client().get(path, headers=headers).status_code


def test_a_grant_is_of_one_use_and_no_other(house: House, book: str) -> None:
    limit(house, book, at_once=2)
    one, other = reader(house), reader(house)
    first, second = chapter(opened(house, book, one)), chapter(opened(house, book, other))
    assert first != second
    status(house, f"/api/v1/me/uses/{mine(house, one)[0]['id']}", "DELETE", one)
    assert [status(house, path) for path in (first, second)] == [403, 200]
    head = house.client.head(f"/api/v1/books/{book}/manifest", headers=other)
    assert head.data == b""


def test_a_chapter_costs_as_many_statements_with_a_number_as_without(
    house: House, book: str
) -> None:
    limited = reader(house)
    for rules in ({"at_once": 1}, {"signed_in": True}, {}):
        limit(house, book, **rules)
        with time_machine.travel(NOON, tick=False):
            address = chapter(opened(house, book, limited), 1)
            house.get(address)
            with issued() as asked:
                house.get(address)
        assert len([one for one in asked if "BEGIN" not in one.statement]) == 1


def test_opening_costs_the_same_however_many_read(house: House, book: str) -> None:
    limit(house, book, at_once=50)
    opened(house, book, reader(house))
    counts = []
    for _ in range(2):
        for coming in [reader(house) for _ in range(8)]:
            with issued() as asked:
                assert opened(house, book, coming).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] < 20


@pytest.mark.embedded
def test_what_has_ended_is_never_looked_at_in_counting(house: House, book: str) -> None:
    opened(house, book, reader(house))
    with issued() as asked:
        opened(house, book, reader(house))
    found = [one for one in asked if " uses" in one.statement and "INSERT" not in one.statement]
    assert found
    with house.database.engine.connect() as connection:
        for one in found:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one.statement}", one.parameters)
            steps = [row[3] for row in plan if " uses" in row[3]]
            assert steps
            assert all("_live" in step or "uq_uses" in step for step in steps), steps


def test_ones_uses_are_listed_by_pages_and_are_nobody_elses(house: House, book: str) -> None:
    one = reader(house)
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            opened(house, book, one)
            clock.shift(timedelta(minutes=31))
        page = house.json("/api/v1/me/uses?limit=2", headers=one)
        rest = house.json(f"/api/v1/me/uses?limit=2&cursor={page['next']}", headers=one)
        begun = [use["begun"] for use in (*page["items"], *rest["items"])]
        assert (len(begun), begun, rest["next"]) == (3, sorted(begun, reverse=True), None)
        assert all(use["ended"] for use in page["items"])
    assert mine(house, reader(house)) == []
    assert status(house, "/api/v1/me/uses") == 401
    other = house.client.get(f"/api/v1/me/uses?cursor={page['next']}", headers=reader(house))
    assert other.status_code == 404


def test_what_one_may_see_no_longer_is_listed_without_a_name(house: House, book: str) -> None:
    one = reader(house)
    opened(house, book, one)
    with house.database.transaction() as session:
        changes.load(session, book).audience = "staff"
    [use] = mine(house, one)
    assert (use["record_id"], use["record"]) == (book, None)


def test_old_uses_lose_their_reader_and_then_go(house: House, book: str) -> None:
    one = reader(house)
    with time_machine.travel(now(), tick=False) as clock:
        opened(house, book, one)
        clock.shift(timedelta(hours=1))
        uses.tend(house.database)
        [use] = mine(house, one)
        assert use["ended"] == use["until"]
        clock.shift(uses.REMEMBERED)
        uses.tend(house.database)
        with house.database.transaction(writes=False) as session:
            [kept] = session.scalars(select(Use))
            assert (kept.account_id, kept.session_id, kept.record_id) == (None, None, book)
        clock.shift(uses.KEPT)
        uses.tend(house.database)
        with house.database.transaction(writes=False) as session:
            assert session.scalars(select(Use)).all() == []


def test_staff_see_how_many_and_never_who(house: House, book: str) -> None:
    one, others = reader(house), [reader(house) for _ in range(2)]
    for headers in (one, *others, *others):
        opened(house, book, headers)
    background.take_usage(house.adapters)
    path = "/api/v1/libraries/{}/uses"
    told = house.json(path.format("nation"), headers=house.token("cataloguer", "nation"))
    assert (told["in_use"], told["turned_away"]) == (1, 4)
    assert told["records"] == [{"record": book, "in_use": 1, "turned_away": 4}]
    south = house.json(path.format("south"), headers=house.token("cataloguer", "south"))
    assert (south["in_use"], south["turned_away"], south["records"]) == (0, 0, [])
    for library, headers, wanted in (
        ("north", house.token("cataloguer", "south"), 403), ("north", one, 403), ("north", {}, 401),
    ):  # fmt: skip
        assert status(house, path.format(library), headers=headers) == wanted
    account = house.json("/api/v1/me", headers=one)["account"]
    assert account not in str(told)


def test_who_is_turned_away_is_a_fact(house: House, book: str) -> None:
    one, other = reader(house), reader(house)
    for headers in (one, one, other, {}):
        opened(house, book, headers)
    status(house, f"/read/{book}", headers=other)
    house.client.head(f"/api/v1/books/{book}/manifest", headers=other)
    limit(house, book, assurance=3, at_once=1)
    opened(house, book, other)
    background.take_usage(house.adapters)
    with house.database.transaction(writes=False) as session:
        noted = session.execute(select(UsageFact.event, func.count()).group_by(UsageFact.event))
        assert dict(map(tuple, noted)) == {"open": 1, "limit-exceeded": 2, "no-license": 1}
        assert session.scalar(select(func.sum(Turnaway.times))) == 2


def test_it_is_explained_how_many_there_are(house: House, book: str, tmp_path: Path) -> None:
    opened(house, book, reader(house))
    other = reader(house)
    account = house.json("/api/v1/me", headers=other)["account"]
    command = ["record", "explain", book, "--account", account]
    told = CliRunner().invoke(main, command, env=environ_of(tmp_path / "data"))
    assert "wants 1 at most; found 1 taken by others: NO: in-use" in told.output
    path = f"/api/v1/records/{book}/access"
    steps = house.json(path, headers=house.token("cataloguer", "north"))["steps"]
    assert [s["found"] for s in steps if s["step"] == "at-once"] == ["1 taken by others"]


def test_an_installation_that_takes_no_changes_counts_nobody(house: House, tmp_path: Path) -> None:
    record = house.take(epub(tmp_path / "a.epub"), "north").record or ""
    limit(house, record, at_once=1)
    one = reader(house)
    still = House(tmp_path / "data", cache_url="none://", read_only="yes")
    refused = opened(still, record, one)
    assert (refused.status_code, refused.json["reason"]) == (403, "not-counted")
    still.close()


def test_a_closed_account_leaves_its_places(house: House, book: str) -> None:
    one = reader(house)
    opened(house, book, one)
    account = house.json("/api/v1/me", headers=one)["account"]
    with house.database.transaction() as session:
        row = session.get_one(Account, account)
        row.closing_at = now() - timedelta(seconds=1)
    closing.close_due(house.database)
    assert opened(house, book, reader(house)).status_code == 200
