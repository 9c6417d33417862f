"""An index that is new, or has lost what it held: readers are not told that there is nothing.

What the pointer calls unfilled is answered for by the database, and built anew by the worker. It
is judged by counts: what the index holds and what waits for it must be what is published. A
rebuild is swapped in only after it was compared with the catalogue, so one that went well leaves
nothing to heal; one that did not is tried again after a good while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from msgspec.structs import replace
from sqlalchemy import func, select

from app.catalog.description import State
from app.catalog.models import DirtyRecord, RecordRow
from app.catalog.services.leading import RebuildHeldError, leading
from app.database import Database
from search.alias import AliasedIndex
from search.index import IndexUnavailableError

LOST = 2
"""An index is taken to have lost what it held when it has less than so many-th of what it should:
a few records that differ are ``kaijuan reindex --verify --mend``'s."""
LOOKED = 60.0
"""Seconds between two looks at an index that seems well; at one that does not, ten times as often.
A look counts the published records."""
RESTED = 600.0
"""Seconds between two rebuilds of which the first came to nothing, though the engine was there."""
log = structlog.get_logger("kaijuan")


def judge(database: Database, alias: AliasedIndex) -> bool:
    """Whether the live generation holds what it should; tells the pointer, so that all know.

    :raises IndexUnavailableError: when the engine is away.
    """
    named = alias.generations
    is_well = _is_well(database, alias)
    if is_well == bool(named.unfilled):
        try:
            _tell(database, alias, is_well=is_well)
        except RebuildHeldError:  # its swap will say so
            return is_well and not named.unfilled
    return is_well


def _is_well(database: Database, alias: AliasedIndex) -> bool:
    """By counts; the index is asked last, and so has whatever has left the dirty set."""
    with database.transaction(writes=False) as session:
        records = select(func.count()).select_from(RecordRow)
        published = records.where(RecordRow.state == State.PUBLISHED)
        waiting = published.join(DirtyRecord, DirtyRecord.record_id == RecordRow.id)
        wanted = (session.scalar(published) or 0) - (session.scalar(waiting) or 0)
    named = alias.generations
    if named.unfilled:
        return alias.reopened(named.live).count() >= wanted
    return alias.named(named.live).count() * LOST >= wanted


def _tell(database: Database, alias: AliasedIndex, *, is_well: bool) -> None:
    """Under the right to rebuild, so that nobody else moves the pointer, and after another look."""
    with leading(database) as lead:
        if _is_well(database, alias) is not is_well:
            return
        named = alias.generations
        lead.hold()
        alias.pointer.replace(replace(named, unfilled="" if is_well else named.live))
    if not is_well:
        log.error("index-lost", generation=named.live)


class Healer:
    """Looks after the live generation, again and again; one at a time, under a lease.

    ``rebuild`` builds the index anew and swaps it in. ``clock`` is in seconds.
    """

    def __init__(
        self,
        database: Database,
        alias: AliasedIndex,
        rebuild: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._alias = database, alias
        self._rebuild, self._clock = rebuild, clock
        self._next_look = self._next_rebuild = 0.0
        self._seen = ""

    def __call__(self) -> int:
        """Looks if it is time, and heals if need be; 1 when the index was built anew."""
        unfilled, moment = self._alias.generations.unfilled, self._clock()
        if unfilled == self._seen and moment < self._next_look:
            return 0
        self._seen = unfilled
        self._next_look = moment + (LOOKED / 10 if unfilled else LOOKED)
        if judge(self._database, self._alias) or moment < self._next_rebuild:
            return 0
        log.warning("the search index is built anew, since it does not hold what it should")
        try:
            self._rebuild()
        except RebuildHeldError:
            return 0
        except IndexUnavailableError:
            raise
        except Exception:
            self._next_rebuild = self._clock() + RESTED
            raise
        return 1
