"""Libraries that have asked to join: listed for who decides, and how one of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.errors import NotFoundError
from app.identity import scope
from app.identity.models import Library, LibraryApplication, LibraryEvent
from app.values import Instant, from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application that is not settled, with its contact still sealed."""

    library: Library
    contact: bytes
    message: str
    made_at: datetime

    @property
    def position(self) -> tuple[int, str]:
        """Where it stands in the list."""
        return to_micros(self.made_at), self.library.id


def waiting(
    session: Session, reach: Sequence[str], after: tuple[int, str] | None, limit: int
) -> list[Waiting]:
    """The unsettled applications to places within the reach, the oldest first."""
    parent = aliased(Library)
    at, library_id = LibraryApplication.made_at, LibraryApplication.library_id
    wanted = (
        select(Library, LibraryApplication)
        .join(LibraryApplication, library_id == Library.id)
        .join(parent, parent.id == Library.parent_id)
        .where(scope.within(parent.path, reach))
        .order_by(at, library_id)
        .limit(limit)
    )
    if after is not None:
        position = tuple_(literal(from_micros(after[0]), Instant), literal(after[1]))
        wanted = wanted.where(tuple_(at, library_id) > position)
    return [
        Waiting(library, asked.contact, asked.message, asked.made_at)
        for library, asked in session.execute(wanted)
    ]


def standing(session: Session, library_id: str) -> tuple[Library, str]:
    """A library that asked to join, and why it was refused, where it was.

    :raises NotFoundError: when none of this id ever asked.
    """
    wanted = (
        select(Library, LibraryEvent)
        .join(LibraryEvent, LibraryEvent.library_id == Library.id)
        .where(Library.id == library_id, LibraryEvent.kind.in_(("applied", "refused")))
        .order_by(LibraryEvent.id.desc())
        .limit(1)
    )
    found = session.execute(wanted).first()
    if found is None:
        raise NotFoundError("application", library_id)
    library, event = found
    return library, event.note if event.kind == "refused" else ""
