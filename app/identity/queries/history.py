"""What happened to libraries, and the tree as it was."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.identity import tree
from app.identity.models import Library, LibraryEvent
from app.identity.tree import LibraryLine

MOVED = "moved"


class Detail(msgspec.Struct, frozen=True):
    """What an event changed: what was, and what is since; by name."""

    was: dict[str, str | None] = {}
    now: dict[str, str | None] = {}


_detail = msgspec.json.Decoder(Detail)


def detail_of(event: LibraryEvent) -> Detail:
    """What the event changed."""
    return _detail.decode(event.detail)


def events(session: Session, library_id: str, after: str | None, limit: int) -> list[LibraryEvent]:
    """What happened to a library, the last first."""
    wanted = select(LibraryEvent).where(LibraryEvent.library_id == library_id)
    if after is not None:
        wanted = wanted.where(LibraryEvent.id < after)
    return list(session.scalars(wanted.order_by(LibraryEvent.id.desc()).limit(limit)))


def children_at(
    session: Session, parent_id: str | None, at: datetime, after: str | None, limit: int
) -> list[LibraryLine]:
    """The libraries that stood directly below one at that time, as they were, by their ids.

    In two statements: below it stood what the first move since took from there, and what stands
    there and was not moved since.
    """
    since = (LibraryEvent.kind == MOVED, LibraryEvent.at > at)
    left = select(LibraryEvent.library_id).where(LibraryEvent.below == (parent_id or ""), *since)
    first = (
        select(LibraryEvent.below)
        .where(LibraryEvent.library_id == Library.id, *since)
        .order_by(LibraryEvent.id)
        .limit(1)
        .scalar_subquery()
    )
    stood_below = func.coalesce(first, Library.parent_id, "")
    wanted = (
        select(Library)
        .where(
            or_(Library.parent_id == parent_id, Library.id.in_(left)),
            stood_below == (parent_id or ""),
            Library.added_at <= at,
        )
        .order_by(Library.id)
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(Library.id > after)
    rows = list(session.scalars(wanted))
    was = _before([row.id for row in rows], session, at)
    return [_as_it_was(row, parent_id, was[row.id]) for row in rows]


def _before(ids: list[str], session: Session, at: datetime) -> dict[str, dict[str, str | None]]:
    """What each of these libraries said of itself at that time, of what has changed since."""
    wanted = (
        select(LibraryEvent)
        .where(LibraryEvent.library_id.in_(ids), LibraryEvent.at > at)
        .order_by(LibraryEvent.id.desc())
    )
    was: dict[str, dict[str, str | None]] = defaultdict(dict)
    for event in session.scalars(wanted):
        was[event.library_id].update(detail_of(event).was)
    return was


def _as_it_was(row: Library, parent_id: str | None, was: dict[str, str | None]) -> LibraryLine:
    line = tree.line(row)
    said = {name: was.get(name) or getattr(line, name) for name in ("name", "level", "state")}
    return LibraryLine(row.id, parent=parent_id, path="", **said)
