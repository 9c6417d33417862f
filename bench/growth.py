"""How lists and record pages grow: a hundredth, a tenth and all of many records; first, last page.

On the embedded default and on the engines. Each list is asked for pages that no other request asks
for: those at the beginning, and those at the very end, their cursors sealed as the application
seals them, since following ``next`` through a million records measures nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import RecordRow
from app.catalog.services import feed
from app.cursors import Cursors
from app.database import to_micros
from app.identity.access import PUBLIC
from bench.library import Bench, Library, say
from bench.load import Go, Target, alternate, fastest
from bench.records import GROWTH
from bench.rows import CannotRunError, Row, missed

_PAGE = 50
_PAGES = 40
_DRAWN = 5_000
_GOES = 9
FIRST, LAST, ANY = "first pages", "last pages", "any of them"

Paths = dict[str, dict[str, list[str]]]
"""Addresses by list and end of it."""


def rows(bench: Bench) -> Iterator[Row]:
    """Last pages beside the first, and much beside little, for every list and the record page."""
    yield from _grown("embedded", [bench.embedded(size) for size in bench.sizes])
    try:
        libraries = [bench.on_engines(size) for size in bench.sizes]
    except CannotRunError as reason:
        yield missed("growth of lists on engines", GROWTH, str(reason))
    else:
        yield from _grown("engines", libraries)


def _grown(where: str, libraries: list[Library]) -> Iterator[Row]:
    counts = [library.count() for library in libraries]
    paths = [list_paths(library) | record_paths(library) for library in libraries]
    say(f"growth, {where}: {counts}")
    with ExitStack() as stack:
        servers = [stack.enter_context(library.serving()) for library in libraries]
        for name, pages in paths[0].items():
            targets = {
                (page, count): Target(server, own[name][page])
                for page in pages
                for count, server, own in zip(counts, servers, paths, strict=True)
            }
            goes = alternate(*targets.values(), seconds=1.0, goes=_GOES, choose=fastest)
            yield from _rows(f"{where}: {name}", counts, dict(zip(targets, goes, strict=True)))


def _rows(measure: str, counts: list[int], goes: dict[tuple[str, int], Go]) -> Iterator[Row]:
    if (LAST, counts[-1]) in goes:
        last, first = goes[LAST, counts[-1]], goes[FIRST, counts[-1]]
        yield _row(f"{measure}, {LAST} beside {FIRST}", last, first)
    for page, count in goes:
        if count != counts[0]:
            much, little = goes[page, count], goes[page, counts[0]]
            yield _row(f"{measure}, {page}, {count:,} beside {counts[0]:,}", much, little)


def _row(measure: str, much: Go, little: Go) -> Row:
    return Row(
        measure=measure,
        ours=str(much),
        control=str(little),
        value=much.cpu_ms / little.cpu_ms,
        goal=GROWTH,
        note=f"by the web's processor time; by the clock {little.rate / much.rate:.2f}, "
        f"median {much.p50 / 1e3:.1f} beside {little.p50 / 1e3:.1f} ms",
    )


def list_paths(library: Library) -> Paths:
    """Pages of every list, at its beginning and at its end."""
    cursors = Cursors(library.settings.secret_keys)
    with library.adapters.database.transaction(writes=False) as session:
        found: Paths = {"changes": _changes(session, cursors)}
        owner = session.scalars(select(RecordRow.library_id).limit(1)).one()
        for name, at, library_id in (
            ("books", "/api/v1/books", None),
            ("books of a library", f"/api/v1/books?library={quote(owner)}", owner),
        ):
            question = ["book", None, library_id]
            found[name] = {
                page: [
                    _address(at, "cursor", cursors.seal(question, position))
                    for position in _positions(session, down=down)
                ]
                for page, down in ((FIRST, True), (LAST, False))
            }
    return found


def _address(at: str, name: str, cursor: str) -> str:
    return f"{at}{'&' if '?' in at else '?'}limit={_PAGE}&{name}={quote(cursor)}"


def _positions(session: Session, *, down: bool) -> list[tuple[int, str]]:
    """Where so many pages of the newest or the oldest records begin."""
    order = (RecordRow.added_at, RecordRow.id)
    wanted = select(*order).order_by(*(c.desc() if down else c for c in order))
    given = session.execute(wanted.limit(_PAGE * _PAGES + 1)).all()
    return [(to_micros(row.added_at), row.id) for row in given[_PAGE::_PAGE]]


def _changes(session: Session, cursors: Cursors) -> dict[str, list[str]]:
    """The feed goes from the oldest change to the newest."""
    question = ["changes", feed.clock(session).epoch, PUBLIC]
    found = {}
    for page, down in ((FIRST, False), (LAST, True)):
        order = (RecordRow.change, RecordRow.id)
        wanted = select(*order).order_by(*(c.desc() if down else c for c in order))
        given = session.execute(wanted.limit(_PAGE * _PAGES + _PAGE)).all()[_PAGE::_PAGE]
        sealed = [cursors.seal(question, (row.change, row.id)) for row in given]
        found[page] = [_address("/api/v1/changes", "since", one) for one in sealed]
    return found


def record_paths(library: Library, seed: int = 1) -> Paths:
    """Record pages drawn from the whole, none twice."""
    with library.adapters.database.transaction(writes=False) as session:
        ids = sorted(session.scalars(select(RecordRow.id)))
    drawn = random.Random(seed).sample(ids, min(_DRAWN, len(ids)))
    return {"record page": {ANY: [f"/api/v1/books/{record_id}" for record_id in drawn]}}
