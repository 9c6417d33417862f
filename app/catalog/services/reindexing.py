"""Looking after the generations of the search index: going back, comparing, catching up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import select, update

from app.catalog.models import DirtyRecord
from app.catalog.services import dirty, indexing
from app.catalog.services.leading import leading
from app.catalog.services.sourcing import Catalogue, mend
from app.database import Database
from search.alias import AliasedIndex
from search.comparison import Comparison, Difference, compare
from search.index import SearchError, SearchIndex
from search.rebuild import Progress, Rebuild

BATCH = 500


class WentBack(msgspec.Struct, frozen=True):
    """The generation in use again, and how many records it had in an older state."""

    generation: str
    missed: int


class GenerationLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One generation; ``written`` are those that an unfinished rebuild has done."""

    generation: str
    role: str
    documents: int | None = None
    written: int | None = None
    problem: str = ""


def verify(
    database: Database,
    alias: AliasedIndex,
    *,
    mending: bool = False,
    report: Callable[[int], object] = lambda _: None,
) -> Comparison:
    """Compares the live generation with the catalogue; ``mending`` marks as dirty what differs."""

    def found(differences: Sequence[Difference]) -> None:
        if mending:
            mend(database, differences)

    live = alias.named(alias.generations.live)
    return compare(live, Catalogue(database), found=found, report=report)[0]


def go_back(database: Database, alias: AliasedIndex) -> WentBack:
    """Makes the generation before the live one live again; what it missed is marked as dirty.

    :raises RebuildHeldError: while another process rebuilds.
    :raises RebuildRefusedError: when there is none before it, or one is being built.
    """
    with leading(database) as lead:
        back = Rebuild(alias, guard=lead.hold).go_back()
        _wait_again(database)
        found = verify(database, alias, mending=True)
    return WentBack(back.live, found.differing + found.waiting)


def generations(alias: AliasedIndex) -> list[GenerationLine]:
    """The generations that the pointer names, with what each holds."""
    checkpoint = alias.pointer.checkpoint()
    stopped = msgspec.json.decode(checkpoint, type=Progress) if checkpoint else None
    written = {stopped.generation: stopped.done} if stopped else {}
    named = msgspec.structs.asdict(alias.generations).items()
    return [_line(alias, role, name, written.get(name)) for role, name in named if name]


def _line(alias: AliasedIndex, role: str, name: str, written: int | None) -> GenerationLine:
    try:
        return GenerationLine(name, role, alias.named(name).count(), written)
    except SearchError as error:
        return GenerationLine(name, role, None, written, str(error))


def catch_up(database: Database, index: SearchIndex) -> int:
    """Drains what waits at this moment, and no more, for changes go on; how many that settled."""
    with database.transaction(writes=False) as session:
        count, _ = dirty.waiting(session)
    settled = 0
    while settled < count and (done := indexing.drain(database, index)):
        settled += done
    return settled


def _wait_again(database: Database) -> None:
    """Has all that waits be written once more, even if a drain under way has just written it.

    That one may have looked at the pointer before it was changed. It forgets the versions that it
    has seen, and these are newer.
    """
    after = ""
    while True:
        with database.transaction() as session:
            wanted = select(DirtyRecord.record_id).where(DirtyRecord.record_id > after)
            ids = session.scalars(wanted.order_by(DirtyRecord.record_id).limit(BATCH)).all()
            newer = update(DirtyRecord).where(DirtyRecord.record_id.in_(ids))
            session.execute(newer.values(version=DirtyRecord.version + 1))
        if len(ids) < BATCH:
            return
        after = ids[-1]
