"""Records whose library moved: found at its new place, since what the index holds names paths.

The index takes only what is newer, so each record gets a new version. What it says is the same:
undoing an import looks through these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session

from app.catalog.models import RecordRow
from app.catalog.services import dirty, versions
from app.database import Database, Instant, from_micros, now, to_micros
from app.identity import tree
from app.identity.models import Library

BATCH = 500
Position = Mapping[str, Any]
"""The library and the last of its records that were marked, in the order of their index."""
_ORDER = (RecordRow.kind, RecordRow.state, RecordRow.added_at, RecordRow.id)


def mark_below(
    database: Database,
    library_id: str,
    done: Position | None,
    checkpoint: Callable[[dict[str, Any]], None],
) -> None:
    """Marks every record of a library and of those below it, in short transactions.

    ``done`` is where an attempt before came to: what it was given by ``checkpoint``.
    """
    begun = str(done["library"]) if done else ""
    for owner in _owners(database, library_id, begun):
        after = list(done["after"]) if done and owner == begun else None
        while True:
            rows = database.run(partial(_mark, owner=owner, after=after))
            if not rows:
                break
            after = rows[-1]
            checkpoint({"library": owner, "after": after})


def _owners(database: Database, library_id: str, begun: str) -> Iterator[str]:
    """The libraries of the subtree as it is now, in the order of their ids."""
    with database.transaction(writes=False) as session:
        path = tree.get(session, library_id).path
        wanted = select(Library.id).where(tree.below(Library.path, path), Library.id >= begun)
        yield from list(session.scalars(wanted.order_by(Library.id)))


def _mark(session: Session, owner: str, after: list[Any] | None) -> list[list[Any]]:
    """Marks a batch, and returns where its records stand in the order."""
    wanted = select(RecordRow).where(RecordRow.library_id == owner)
    if after is not None:
        kind, state, added, record_id = after
        at = literal(from_micros(added), Instant)
        place = tuple_(literal(kind), literal(state), at, literal(record_id))
        wanted = wanted.where(tuple_(*_ORDER) > place)
    wanted = wanted.order_by(*_ORDER).limit(BATCH).with_for_update(key_share=True)
    rows = session.scalars(wanted).all()
    moment = now()
    for row in rows:
        versions.keep(session, row, versions.LIBRARY_MOVED)
        row.version += 1
        row.changed_at = moment
    session.flush()
    dirty.mark(session, [(row.id, row.version) for row in rows])
    return [[row.kind, row.state, to_micros(row.added_at), row.id] for row in rows]
