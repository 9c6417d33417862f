"""Readers of a part of the tree, listed, counted and searched by its staff, on PostgreSQL.

The real tree, 400 administrators, a million readers (KAIJUAN_BENCH_RECORDS) beside ten thousand.
Requests go through the whole application in this process, in turn to the one and to the other, so
that what else the machine does falls on both. Medians are judged: they hold the web's time and
the database's.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.factory import create_app
from app.identity import tree
from app.identity.models import Account, Library
from bench import library as libraries
from bench.library import FEW, Bench, say
from bench.people import fill, phone
from bench.rows import CannotRunError, Goal, Row, missed

GROWTH = Goal(most=1.25)
STATEMENTS = Goal(most=1)
_ASKED = 300
_WARMING = 20
_PAGE = 50
_OF_A_SUBTREE = ("LATERAL", "library_counts")
"""What the statements have that ask for people of many libraries."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its path below the libraries', and the secret of who asks."""

    path: str
    secret: str


@dataclass(slots=True)
class House:
    """An installation with so many readers, and who looks after them."""

    library: libraries.Library
    readers: int
    client: FlaskClient
    provinces: list[tuple[str, str]]
    """Provinces that have an administrator, each with a secret."""

    def ask(self, one: Asked) -> float:
        """Milliseconds of one request."""
        began = time.perf_counter()
        answer = self.client.get(
            f"/api/v1/libraries/{one.path}", headers={"Authorization": f"Bearer {one.secret}"}
        )
        taken = (time.perf_counter() - began) * 1e3
        if answer.status_code != 200:
            raise CannotRunError(f"{answer.status_code} for {one.path}: {answer.text[:200]}")
        return taken


def rows(bench: Bench) -> Iterator[Row]:
    """Each question at many beside few, and how many statements it takes."""
    try:
        few, many = (_house(bench, count) for count in (FEW, bench.many))
    except CannotRunError as reason:
        yield missed("readers of a province", GROWTH, str(reason))
        return
    for name, draw in _QUESTIONS.items():
        asked = [draw(house) for house in (few, many)]
        yield _grown(name, (few, many), asked)
        yield _counted(name, many, asked[1][0])
    for house in (few, many):
        bench.engines.drop(house.library.folder.name)


def _house(bench: Bench, readers: int) -> House:
    """A fresh one; what was there under its name goes."""
    name = f"accounts-{readers}"
    bench.engines.make(name)
    library = libraries.Library(bench.folder / name, bench.engines.of(name))
    library.run("migrate")
    library.run("import", "libraries", bench.material("divisions", "library_tree.json"))
    say(f"{readers:,} readers into {name}")
    with library.adapters.database.transaction(writes=False) as session:
        ids = list(session.scalars(select(Library.id).order_by(Library.path)))
        levels = select(Library.id).where(Library.level == "province")
        provinces = list(session.scalars(levels.order_by(Library.path)))
    first = [*provinces, *(each for each in ids if each not in set(provinces))]
    with bench.engines.postgresql(name) as connection:
        staff = fill(connection, ids, readers, library.adapters.sealer, led=first)
    secrets = dict(staff)
    app = create_app(replace(library.settings, log_level="warning"), library.adapters)
    known = [(province, secrets[province]) for province in provinces]
    return House(library, readers, app.test_client(), known)


def _grown(name: str, houses: Sequence[House], asked: Sequence[Sequence[Asked]]) -> Row:
    taken: list[list[float]] = [[] for _ in houses]
    for number in range(_WARMING + _ASKED):
        for house, own, times in zip(houses, asked, taken, strict=True):
            milliseconds = house.ask(own[number % len(own)])
            if number >= _WARMING:
                times.append(milliseconds)
    few, many = (Spread.of(times) for times in taken)
    return Row(
        measure=f"{name}, {houses[1].readers:,} readers beside {houses[0].readers:,}",
        ours=str(many),
        control=str(few),
        value=many.p50 / few.p50,
        goal=GROWTH,
        note=f"by medians; p99 {many.p99 / few.p99:.2f}",
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the middle, and what one in a hundred is past."""

    p50: float
    p99: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Spread:
        """That of so many."""
        return cls(statistics.median(times), statistics.quantiles(times, n=100)[98])

    def __str__(self) -> str:
        return f"{self.p50:.2f} ms, p99 {self.p99:.2f}"


def _counted(name: str, house: House, one: Asked) -> Row:
    """How many statements ask for readers; those that know the caller and the place beside."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    house.ask(one)
    event.remove(Engine, "before_cursor_execute", note)
    ours = [statement for statement in seen if any(word in statement for word in _OF_A_SUBTREE)]
    return Row(
        measure=f"{name}, statements",
        ours=f"{len(ours)}, {len(seen)} with those that know the caller and the library",
        value=len(ours),
        goal=STATEMENTS,
    )


def _everywhere(path: str) -> Callable[[House], list[Asked]]:
    """The same question of every province."""
    return lambda house: [Asked(f"{at}/{path}", secret) for at, secret in house.provinces]


def _last_pages(house: House) -> list[Asked]:
    """The pages that begin so many readers before the end of each province."""
    cursors, found = Cursors(house.library.settings.secret_keys), []
    with house.library.adapters.database.transaction(writes=False) as session:
        for at, secret in house.provinces:
            if position := _near_the_end(session, at):
                cursor = cursors.seal(["readers", at, None], position)
                found.append(Asked(f"{at}/readers?limit={_PAGE}&cursor={quote(cursor)}", secret))
    return found


def _near_the_end(session: Session, province: str) -> tuple[str, Any, str] | None:
    place = session.get_one(Library, province)
    backwards = (
        select(Library.path, Account.added_at, Account.id)
        .join(Account, Account.home_id == Library.id)
        .where(tree.below(Library.path, place.path))
        .order_by(Library.path.desc(), Account.added_at, Account.id)
        .offset(_PAGE)
        .limit(1)
    )
    row = session.execute(backwards).one_or_none()
    return (row.path, row.added_at, row.id) if row else None


def _phones(house: House) -> list[Asked]:
    """A reader drawn at random, by their number, in every province."""
    dice = random.Random(1)
    return [
        Asked(f"{at}/readers?q={phone(dice.randrange(house.readers))}", secret)
        for at, secret in house.provinces
        for _ in range(10)
    ]


_QUESTIONS: dict[str, Callable[[House], list[Asked]]] = {
    "a province's readers, first page": _everywhere(f"readers?limit={_PAGE}"),
    "a province's readers, last page": _last_pages,
    "a province's readers, counted": _everywhere("readers/count"),
    "a province's readers by a common surname": _everywhere(f"readers?limit={_PAGE}&q=王"),
    "a province's readers by a whole name": _everywhere(f"readers?limit={_PAGE}&q=李安邦"),
    "a province's readers by a name that none has": _everywhere("readers?q=欧阳"),
    "a province's readers by phone number": _phones,
    "a province's staff with those below": _everywhere(f"staff?below=true&limit={_PAGE}"),
}
