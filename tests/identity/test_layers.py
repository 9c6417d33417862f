"""Layered data: over random trees, roles, readers and questions nobody sees beside or above.

Every answer is compared with one that is worked out naively, from lists in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from house import House
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.identity import tree
from app.identity.callers import KnownCaller
from app.identity.models import Account, Grant, Handle, Library
from app.identity.names import name_key
from app.identity.people import ReaderItem, StaffMember
from app.identity.queries import grants, readers, staff
from app.identity.roles import Role, powers
from app.identity.services import homes
from app.permissions import Permission

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("张三", "張三丰", "张", "李四", "li si", "Ｌｉ", "·", "王")
MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Network:
    """Libraries by the number of the one above them, readers and roles by their library's."""

    parents: list[int | None]
    readers: list[tuple[int | None, str, int, int]]
    """Home, name, assurance, minutes since the beginning."""
    roles: list[tuple[int, str, int]]
    """Of which of a few accounts, which, where."""


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A few libraries in a tree, or several, with people."""
    count = draw(st.integers(1, 12))
    parents = [draw(st.none() | st.integers(0, n - 1)) if n else None for n in range(count)]
    place = st.integers(0, count - 1)
    person = st.tuples(
        st.none() | place, st.sampled_from(NAMES), st.integers(0, 3), st.integers(0, 3)
    )
    role = st.tuples(st.integers(0, 3), st.sampled_from([*Role, "overseer"]), place)
    people, roles = draw(st.lists(person, max_size=14)), draw(st.lists(role, max_size=12))
    return Network(parents, people, sorted(set(roles)))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One database; every example is rolled back."""
    made = House(tmp_path_factory.mktemp("layers") / "data")
    yield made
    made.close()


def fill(session: Session, network: Network) -> None:
    """Writes a network; the ids are the numbers, so that a naive answer can be worked out."""
    made = []
    for number, parent in enumerate(network.parents):
        above = None if parent is None else f"l{parent}"
        made.append(tree.add(session, f"l{number}", f"馆{number}", "special", above))
    for number, (home, name, assurance, minutes) in enumerate(network.readers):
        account = Account(
            id=f"r{number:02}", name=name, name_key=name_key(name), kind="person",
            added_at=BEGAN + timedelta(minutes=minutes),
        )  # fmt: skip
        session.add(account)
        homes.settle(session, account, None if home is None else f"l{home}", assurance)
        phone = Handle(
            kind="phone", lookup=f"phone{number}", account_id=account.id, mask="1****", sealed=b"",
            added_at=BEGAN,
        )  # fmt: skip
        session.add(phone)
    for number in range(4):
        session.add(Account(id=f"s{number}", name="馆员", kind="person", added_at=BEGAN))
    session.flush()
    for owner, role, place in network.roles:
        session.add(Grant(account_id=f"s{owner}", role=role, library_id=f"l{place}"))
    session.flush()


def is_below(network: Network, place: int | None, top: int) -> bool:
    """Whether a library is another or below it, step by step."""
    while place is not None and place != top:
        place = network.parents[place]
    return place == top


def path_of(session: Session, number: int) -> str:
    """The path of a library."""
    return session.get_one(Library, f"l{number}").path


def all_readers(session: Session, path: str, asked: tuple[str, list[str]] | None) -> list[str]:
    """Whom a list or a search shows, on all its pages of two."""
    seen: list[ReaderItem] = []
    after = None
    while True:
        if asked is None:
            items, after = readers.newest(session, path, after, 2)
        else:
            lookups = [("phone", value) for value in asked[1]]
            items, after = readers.found(session, path, name_key(asked[0]), lookups, after, 2)
        seen += items
        if after is None:
            return [item.id for item in seen]


def all_staff(session: Session, path: str) -> list[tuple[str, str, str]]:
    """The roles that the list of staff shows, on all its pages of two."""
    seen: list[StaffMember] = []
    after = None
    while True:
        items, after = staff.listed(session, path, after, 2, below=True)
        seen += items
        if after is None:
            return [(item.account, item.role, item.library) for item in seen]


@MANY
@given(network=networks(), data=st.data())
def test_nobody_beside_or_above_is_ever_listed_counted_or_found(
    house: House, network: Network, data: st.DataObject
) -> None:
    top = data.draw(st.integers(0, len(network.parents) - 1))
    asked = data.draw(st.sampled_from(NAMES))
    numbers = data.draw(st.lists(st.integers(0, 14), max_size=2))
    theirs = {n: r for n, r in enumerate(network.readers) if is_below(network, r[0], top)}
    named = {
        f"r{n:02}" for n, (_, name, _, _) in theirs.items()
        if name_key(asked) and name_key(name).startswith(name_key(asked))
    }  # fmt: skip
    having = {f"r{n:02}" for n in numbers if n in theirs}
    with house.database.transaction() as session:
        fill(session, network)
        path = path_of(session, top)
        listed = all_readers(session, path, None)
        found = all_readers(session, path, (asked, [f"phone{n}" for n in numbers]))
        counted = readers.count(session, path)
        given_there = all_staff(session, path)
        wrong = homes.wrong(session)
        session.rollback()
    assert sorted(listed) == sorted(f"r{n:02}" for n in theirs)
    assert listed == sorted(listed, key=lambda r: place_and_age(network, theirs, r))
    assert sorted(found) == sorted(named | having)
    assert set(found[: len(having)]) == having
    verified = sum(assurance >= homes.VERIFIED for _, _, assurance, _ in theirs.values())
    assert (counted.readers, counted.verified, wrong) == (len(theirs), verified, 0)
    assert sorted(given_there) == sorted(
        (f"s{owner}", role, f"l{place}")
        for owner, role, place in network.roles
        if is_below(network, place, top)
    )


def place_and_age(
    network: Network, theirs: dict[int, tuple[int | None, str, int, int]], reader: str
) -> tuple[str, int, int]:
    """By what a list is ordered."""
    number = int(reader[1:])
    home, _, _, minutes = theirs[number]
    return steps(network, home), -minutes, -number


def steps(network: Network, place: int | None) -> str:
    """A library's place in the order of the tree."""
    if place is None:
        return ""
    brothers = [n for n, above in enumerate(network.parents) if above == network.parents[place]]
    return steps(network, network.parents[place]) + f"{brothers.index(place):04}"


@MANY
@given(network=networks())
def test_a_permission_reaches_where_it_was_given_and_below_alone(
    house: House, network: Network
) -> None:
    with house.database.transaction() as session:
        fill(session, network)
        callers = [KnownCaller("", f"s{n}", tuple(grants.held(session, f"s{n}"))) for n in range(4)]
        paths = [path_of(session, n) for n in range(len(network.parents))]
        session.rollback()
    for number, caller in enumerate(callers):
        for permission in (Permission.SEE_READERS, Permission.MANAGE_STAFF, Permission.REVIEW):
            for place, path in enumerate(paths):
                expected = any(
                    permission in powers(role) and is_below(network, place, at)
                    for owner, role, at in network.roles
                    if owner == number
                )
                assert caller.may(permission, path) == expected
