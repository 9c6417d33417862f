"""Every list and lookup at a million records: a range of an index, whatever the size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import engines
import psycopg
import pytest
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from app.catalog.description import Description
from app.catalog.formats import Candidate
from app.catalog.models import RecordRow
from app.catalog.queries import feed, fruitless, imports, lookups, records, states, subjects
from app.catalog.services import adding, dirty, indexing, recognising, undoing
from app.database import Database, now
from app.identity import accounts, tree
from app.jobs import ledger, queries
from app.jobs.models import State
from app.reader.queries import content

from .filling import SECRET, digest, fill, record_id
from .plans import faults, plans, touched

RECORDS = 1_000_000
PAGE = 50
PUBLIC = ("public",)
STAFF = ("public", "staff:00010007")
FEW = [record_id(number) for number in range(1, RECORDS, RECORDS // PAGE)]
CHAPTER = "OEBPS/7.xhtml"

pytestmark = [
    *engines.ON_POSTGRESQL,
    pytest.mark.timeout(1200),
]


generic = pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])


@pytest.fixture(scope="module")
def million() -> Iterator[Database]:
    """A database of a million records."""
    place = engines.make_place(f"kaijuan_plans_{os.getpid()}")
    place.engine.dispose()
    driver = make_url(place.database).set(drivername="postgresql")
    try:
        with psycopg.connect(driver.render_as_string(hide_password=False)) as connection:
            fill(connection, RECORDS)
        database = Database(place.database)
        yield database
        database.close()
    finally:
        engines.drop(place.database)


def newest(**asked: Any) -> Callable[[Session], Any]:
    """A list of records, for the public where nobody else is named."""
    return lambda session: records.newest(session, **{"audience": PUBLIC, "limit": PAGE} | asked)


def waiting(marks: Callable[[], dirty.Marks]) -> Callable[[Session], Any]:
    """What the index is to hear of, with all that it is to be told."""
    return lambda session: session.execute(indexing.marked(marks()))


def at(number: int) -> tuple[int, str]:
    """The place of a record in a list."""
    return 1_700_000_000_000_000 + number * 1000, record_id(number)


def sent(*numbers: int) -> list[Candidate]:
    """Records of an import, each of which names the next as its parent."""
    described = Description(title="县志")
    return [Candidate("", b"", "made-up", str(n), described, parent=str(n + 1)) for n in numbers]


LISTS: dict[str, Callable[[Session], Any]] = {
    **{f"{kind}s": newest(kind=kind) for kind in ("book", "journal", "collection", "course")},
    "books, for staff": newest(kind="book", audience=STAFF),
    "what is new, of all kinds": lambda s: records.arrivals(s, PUBLIC, PAGE),
    "what is new, for staff": lambda s: records.arrivals(s, STAFF, PAGE),
    "a library's books": newest(kind="book", library_id="lib8"),
    "a library's journals, few among many": newest(kind="journal", library_id="lib0"),
    "a large library's articles, of which it has none": newest(kind="article", library_id="lib0"),
    "the parts of a journal": newest(kind="issue", parent_id=record_id(7)),
    "the items of a collection": newest(kind="item", parent_id=record_id(307)),
    "titles that begin so": lambda s: lookups.titled(s, "县志第12", None, PAGE),
    "changes": lambda s: feed.after(s, (200, ""), 10**12, PAGE),
    "imports of a part of the tree": lambda s: imports.listed(s, ("00010007",), None, PAGE),
    "jobs": lambda s: queries.list_jobs(s, limit=PAGE),
    "jobs that wait": lambda s: queries.list_jobs(s, state=State.WAITING, limit=PAGE),
    "libraries": lambda s: tree.children(s, "lib0", None, PAGE),
    "subjects": lambda s: subjects.children(s, "clc", "I", None, PAGE),
    "fruitless queries": lambda s: fruitless.listed(s, "2026-01-01", None, PAGE),
    "what the index has not heard of": waiting(lambda: dirty.oldest(PAGE)),
    "and after that": waiting(lambda: dirty.oldest(PAGE, (now(), record_id(7)))),
    "what the index is asked once more": waiting(lambda: dirty.due_again(PAGE)),
    "how far the feed is complete": feed.clock,
    "what a large import added": lambda s: undoing.added(s, "import0", record_id(800_000)),
    "what a small import added": lambda s: undoing.added(s, "import9", ""),
    "what an import changed": lambda s: undoing.changed(s, "import3", record_id(800_000)),
    "since when nobody has tried": dirty.untried_since,
    "what the index refused": lambda s: dirty.refused(s, PAGE),
}
LOOKUPS: dict[str, Callable[[Session], Any]] = {
    "a record": lambda s: records.find(s, record_id(500_000)),
    "summaries": lambda s: records.summaries(s, [record_id(n) for n in range(1, PAGE)], PUBLIC),
    "summaries, for staff": lambda s: records.summaries(s, [record_id(9)], STAFF),
    "editions of a work": lambda s: records.editions(s, record_id(500_000), PUBLIC),
    "publications held": lambda s: records.held(s, record_id(500_000)),
    "by identifier": lambda s: records.by_identifier(s, {("isbn", "9787000500000")}),
    "by any identifier": lambda s: lookups.identified(s, ["9787000500000"], PAGE),
    "the state before": lambda s: states.state_before(s, record_id(500_002)),
    "whether it was seen": lambda s: feed.seen_before(s, [record_id(4)], PUBLIC),
    "titles of records": lambda s: lookups.shown(s, FEW, PUBLIC),
    "titles of some kinds in a part of the tree": lambda s: lookups.shown(
        s, FEW, STAFF, kinds=("book", "item"), library_path="00010007"
    ),
    "a chapter": lambda s: content.resource(s, record_id(50_000), digest(500)[:16], CHAPTER),
    "a manifest": lambda s: content.publication(s, record_id(50_000)),
    "the sizes of a manifest": lambda s: content.sizes(s, digest(500)),
    "what an import knows": lambda s: recognising.known(s, sent(5, 500_000, RECORDS)),
    "what records of an import belong to": lambda s: adding.parents(s, sent(5, 500_000)),
    "how often an import raised them": lambda s: undoing._raises(s, "import3", FEW),
    "those that an import did not add": lambda s: undoing._others(s, "import3", FEW),
    "a signed-in caller": lambda s: accounts.find(s, SECRET, "session"),
    "a job": lambda s: queries.show_job(s, "job000000000007"),
}


@generic
@pytest.mark.parametrize("name", [*LISTS, *LOOKUPS])
def test_nothing_costs_more_as_the_catalogue_grows(
    million: Database, name: str, generic: bool
) -> None:
    found = plans(million, (LISTS | LOOKUPS)[name], generic=generic)
    assert found
    assert [fault for plan in found for fault in faults(plan, most=4 * PAGE)] == []


def test_reading_everything_would_be_seen(million: Database) -> None:
    wanted = select(RecordRow.id).where(RecordRow.reason == "x").order_by(RecordRow.title)
    [plan] = plans(million, lambda session: session.execute(wanted))
    assert "Seq Scan on records" in faults(plan, most=PAGE)


@generic
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (newest(kind="book"), newest(kind="book", after=at(3_000))),
        (newest(kind="book", library_id="lib0"),
         newest(kind="book", library_id="lib0", after=at(5_000))),
        (newest(kind="book", library_id="lib8"),
         newest(kind="book", library_id="lib8", after=at(100_000))),
        (newest(kind="item", parent_id=record_id(307)),
         newest(kind="item", parent_id=record_id(307), after=at(60_000))),
        (lambda s: feed.after(s, feed.START, 10**12, PAGE),
         lambda s: feed.after(s, (499, record_id(RECORDS - 2_000)), 10**12, PAGE)),
        (lambda s: lookups.titled(s, "县志", None, PAGE),
         lambda s: lookups.titled(s, "县志", ("县志第99", ""), PAGE)),
        (lambda s: undoing.added(s, "import0", ""),
         lambda s: undoing.added(s, "import0", record_id(RECORDS - 2_000))),
        (lambda s: undoing.changed(s, "import3", ""),
         lambda s: undoing.changed(s, "import3", record_id(RECORDS - 2_000))),
    ],
    ids=[
        "books", "a large library's books", "a library's books", "parts", "changes", "titles",
        "what an import added", "what an import changed",
    ],
)  # fmt: skip
def test_the_last_page_costs_what_the_first_does(
    million: Database,
    first: Callable[[Session], Any],
    last: Callable[[Session], Any],
    generic: bool,
) -> None:
    costs = [touched(plans(million, ask, generic=generic)) for ask in (first, last)]
    assert costs[1] <= 1.25 * costs[0], costs


@generic
def test_a_claim_looks_at_what_is_due_alone(million: Database, generic: bool) -> None:
    kinds = {"catalog.undo_import": timedelta(minutes=1)}

    def due(session: Session) -> None:
        ledger._is_any_due(million, kinds.keys())
        ledger._oldest_waiting(session, now(), kinds.keys())
        ledger._oldest_expired(session, now(), kinds.keys())

    found = plans(million, due, generic=generic)
    assert len(found) == 3
    assert [fault for plan in found for fault in faults(plan, most=0)] == []
    assert touched(found) < 30
