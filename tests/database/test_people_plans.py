"""Every list and lookup of people, whoever many there are: a range of an index, a page's rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import engines
import psycopg
import pytest
from sqlalchemy import insert, make_url, select
from sqlalchemy.orm import Session

from app.database import Database, now
from app.identity import accounts, tree
from app.identity.handles import normal
from app.identity.models import Library
from app.identity.queries import grants, readers, staff
from app.sealing import Sealer
from bench.people import BEGAN, fill, phone

from .plans import faults, plans, touched

PEOPLE = 200_000
PAGE = 50
PROVINCES, CITIES, COUNTIES = 31, 10, 10
PROVINCE = "0001" + "0007"
SEALER = Sealer("a key of tests and of nothing else")
LAST = "00010007" + "000a" * 2
"""The last library of the province."""

pytestmark = [
    *engines.ON_POSTGRESQL,
    pytest.mark.timeout(600),
]


def libraries() -> Iterator[dict[str, Any]]:
    """A nation, provinces, cities, counties: as many as the real network has."""
    yield row("0001", "national")
    for province in range(1, PROVINCES + 1):
        yield row(at := "0001" + tree.encode(province), "province")
        for city in range(1, CITIES + 1):
            yield row(at + (city_at := tree.encode(city)), "city")
            for county in range(1, COUNTIES + 1):
                yield row(at + city_at + tree.encode(county), "county")


def row(path: str, level: str) -> dict[str, Any]:
    """A library, called by its path."""
    above = path[: -tree.STEP] or None
    return {"id": path, "name": path, "level": level, "parent_id": above, "path": path,
            "added_at": now()}  # fmt: skip


@pytest.fixture(scope="module")
def crowd() -> Iterator[Database]:
    """A database of many people."""
    place = engines.make_place(f"kaijuan_people_{os.getpid()}")
    place.engine.dispose()
    driver = make_url(place.database).set(drivername="postgresql")
    database = Database(place.database)
    try:
        with database.transaction() as session:
            session.execute(insert(Library), list(libraries()))
            ids = list(session.scalars(select(Library.id).order_by(Library.path)))
        with psycopg.connect(driver.render_as_string(hide_password=False)) as connection:
            fill(connection, ids, PEOPLE, SEALER, led=ids)
        yield database
    finally:
        database.close()
        engines.drop(place.database)


def lookups(number: int) -> list[readers.Lookup]:
    """By which a reader's phone number is found."""
    handle = normal(phone(number))
    return [(handle.kind, handle.lookup(SEALER)), ("card", "0" * 64)]


def newest(path: str = PROVINCE, after: Any = None) -> Callable[[Session], Any]:
    """A page of readers."""
    return lambda session: readers.newest(session, path, after, PAGE)


def found(beginning: str, path: str = PROVINCE, after: Any = None) -> Callable[[Session], Any]:
    """A page of readers by name and number."""
    return lambda session: readers.found(session, path, beginning, lookups(7), after, PAGE)


ASKED: dict[str, Callable[[Session], Any]] = {
    "readers of a province": newest(),
    "readers of the nation": newest("0001"),
    "readers of a province, the last": newest(after=(LAST, BEGAN, "0")),
    "readers with a common surname": found("王"),
    "readers of the nation with a common surname": found("王", "0001"),
    "readers with a common surname, the last": found("王", after=(LAST, "王", "f" * 32)),
    "readers with a name that none has": found("欧阳"),
    "a reader by number alone": found(""),
    "a reader": lambda s: readers.one(s, "0001", readers.newest(s, "0001", None, 1)[0][0].id),
    "how many readers": lambda s: readers.count(s, "0001"),
    "staff of a province": lambda s: staff.listed(s, PROVINCE, None, PAGE, below=True),
    "staff of the nation": lambda s: staff.listed(s, "0001", None, PAGE, below=True),
    "staff of one library": lambda s: staff.listed(s, "0001", None, PAGE, below=False),
    "a session": lambda s: accounts.find(s, "session of nobody", "session"),
    "what an account may": lambda s: grants.held(s, "0" * 32),
    "what two accounts may": lambda s: grants.standings(s, ["0" * 32, "1" * 32]),
}


@pytest.mark.parametrize("name", ASKED)
def test_nothing_costs_more_as_people_become_more(crowd: Database, name: str) -> None:
    found = plans(crowd, ASKED[name])
    assert found
    assert [fault for plan in found for fault in faults(plan, most=4 * PAGE)] == []


@pytest.mark.parametrize("name", [name for name in ASKED if "readers" in name or "staff" in name])
def test_a_page_is_one_statement(crowd: Database, name: str) -> None:
    assert len(plans(crowd, ASKED[name])) == 1


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (newest("0001"), newest("0001", after=("0001" + "000v" + "000a" * 2, BEGAN, "0"))),
        (newest(PROVINCE, after=None), newest(PROVINCE, after=(LAST, BEGAN, "0"))),
    ],
    ids=["nation", "province"],
)
def test_the_last_page_costs_what_the_first_does(
    crowd: Database, first: Callable[[Session], Any], last: Callable[[Session], Any]
) -> None:
    costs = [touched(plans(crowd, ask)) for ask in (first, last)]
    assert costs[1] <= 1.25 * costs[0], costs


def test_a_page_reads_what_it_shows_and_the_libraries_it_walks(crowd: Database) -> None:
    """An empty part of the tree and the whole of it cost what is walked, not what is there."""
    walked = 1 + CITIES * (1 + COUNTIES)
    for ask in (newest(), found("王"), found("欧阳")):
        assert touched(plans(crowd, ask)) <= 6 * (walked + 2 * PAGE)
