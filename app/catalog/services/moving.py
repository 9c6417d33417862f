"""Records whose library moved: found at its new place, since what the index holds names paths.

The index takes only what is newer, so each record gets a new version. What it says is the same:
undoing an import looks through these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, String, literal, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from app.catalog.models import RecordRow
from app.catalog.services import dirty, versions
from app.database import Database, now
from app.identity import tree
from app.identity.models import Library

BATCH = 500
Position = Mapping[str, Any]
"""The library and the last of its records that were marked, in the order of their index."""
_MOMENT = type_coerce(RecordRow.added_at, BigInteger)
_ORDER = (RecordRow.kind, RecordRow.state, _MOMENT, RecordRow.id)


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
    wanted = select(RecordRow, _MOMENT).where(RecordRow.library_id == owner)
    if after is not None:
        kinds = (String, String, BigInteger, String)
        position = tuple_(*(literal(v, t) for v, t in zip(after, kinds, strict=True)))
        wanted = wanted.where(tuple_(*_ORDER) > position)
    wanted = wanted.order_by(*_ORDER).limit(BATCH).with_for_update(key_share=True, of=RecordRow)
    rows = session.execute(wanted).tuples().all()
    at = now()
    for row, _ in rows:
        versions.keep(session, row, versions.LIBRARY_MOVED)
        row.version += 1
        row.changed_at = at
    session.flush()
    dirty.mark(session, [(row.id, row.version) for row, _ in rows])
    return [[row.kind, row.state, moment, row.id] for row, moment in rows]
