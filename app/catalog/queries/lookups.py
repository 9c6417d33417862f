"""What btrees alone can find while the search index is away: identifiers and titles."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.catalog.description import State
from app.catalog.models import RecordIdentifier, RecordRow, RecordTitle
from app.catalog.queries.seeing import seen_by
from app.identity import tree
from app.identity.models import Library

Place = tuple[str, str]
"""A title's key and its record: where a list of titles goes on."""
_LAST = "\U0010ffff"


def identified(session: Session, values: Collection[str], limit: int) -> list[str]:
    """The ids of records with one of these identifiers, of whatever scheme."""
    wanted = (
        select(RecordIdentifier.record_id)
        .where(RecordIdentifier.value.in_(values))
        .order_by(RecordIdentifier.record_id)
        .distinct()
        .limit(limit)
    )
    return list(session.scalars(wanted))


def titled(session: Session, beginning: str, after: Place | None, limit: int) -> list[Place]:
    """The titles that begin so, in order of their keys: the equal one first."""
    wanted = select(RecordTitle.key, RecordTitle.record_id).where(
        RecordTitle.key >= beginning, RecordTitle.key < beginning + _LAST
    )
    if after is not None:
        wanted = wanted.where(tuple_(RecordTitle.key, RecordTitle.record_id) > after)
    wanted = wanted.order_by(RecordTitle.key, RecordTitle.record_id).limit(limit)
    return [(row.key, row.record_id) for row in session.execute(wanted)]


def shown(
    session: Session,
    ids: Collection[str],
    audience: tuple[str, ...],
    *,
    kinds: Collection[str] = (),
    library_path: str = "",
) -> dict[str, str]:
    """The titles of those of these records that the caller may see and asked for, by id."""
    wanted = select(RecordRow.id, RecordRow.title).where(
        RecordRow.id.in_(ids), RecordRow.state == State.PUBLISHED, seen_by(audience)
    )
    if kinds:
        wanted = wanted.where(RecordRow.kind.in_(kinds))
    if library_path:
        theirs = select(Library.id).where(tree.below(Library.path, library_path))
        wanted = wanted.where(RecordRow.library_id.in_(theirs))
    return {row.id: row.title for row in session.execute(wanted)}
