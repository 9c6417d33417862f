"""The library tree: a materialised path in byte order, read by range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.database import now
from app.errors import ConflictError, Fault, InvalidError, NotFoundError
from app.identity.models import LEVELS, Library

STEP = 4
DEFAULT = "main"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_END = "~"


@dataclass(frozen=True, slots=True)
class LibraryLine:
    """A library as it is listed."""

    id: str
    name: str
    level: str
    parent: str | None
    path: str


def below(column: InstrumentedAttribute[str], path: str) -> ColumnElement[bool]:
    """That a path is ``path`` or below it: one range of an index, whatever the number."""
    return and_(column >= path, column < path + _END)


def lineage(path: str) -> list[str]:
    """The paths from the root to this one."""
    return [path[:end] for end in range(STEP, len(path) + 1, STEP)]


def get(session: Session, library_id: str) -> Library:
    """The library of this id.

    :raises NotFoundError: when there is none.
    """
    library = session.get(Library, library_id)
    if library is None:
        raise NotFoundError("library", library_id)
    return library


def paths(session: Session) -> dict[str, str]:
    """The path of every library by its id (a few thousand short strings)."""
    return {row.id: row.path for row in session.execute(select(Library.id, Library.path))}


def names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """The names of these libraries by id."""
    wanted = select(Library.id, Library.name).where(Library.id.in_(list(ids)))
    return {row.id: row.name for row in session.execute(wanted)}


def children(
    session: Session, parent_id: str | None, after: str | None, limit: int
) -> list[LibraryLine]:
    """The libraries directly below one (the roots below ``None``), in the tree's order."""
    wanted = select(Library).where(Library.parent_id == parent_id).order_by(Library.path)
    if after is not None:
        wanted = wanted.where(Library.path > after)
    return [line(row) for row in session.scalars(wanted.limit(limit))]


def line(row: Library) -> LibraryLine:
    """The library as it is listed."""
    return LibraryLine(row.id, row.name, row.level, row.parent_id, row.path)


def add(
    session: Session,
    library_id: str,
    name: str,
    level: str,
    parent_id: str | None,
    code: str | None = None,
) -> Library:
    """Adds a library as the last child of its parent.

    :raises InvalidError: for an empty id or name, or an unknown level.
    :raises NotFoundError: for an unknown parent.
    :raises ConflictError: when the id is taken.
    """
    if not library_id or len(library_id) > 64 or not library_id.isprintable():
        raise InvalidError(Fault("id", "invalid", "1 to 64 printable characters"))
    if not name.strip():
        raise InvalidError(Fault("name", "missing", "a library needs a name"))
    if level not in LEVELS:
        raise InvalidError(Fault("level", "unknown", "one of " + ", ".join(LEVELS)))
    if session.get(Library, library_id) is not None:
        raise ConflictError(f"There is a library {library_id!r} already.")
    parent_path = get(session, parent_id).path if parent_id else ""
    library = Library(
        id=library_id,
        name=name.strip(),
        level=level,
        code=code,
        parent_id=parent_id,
        path=parent_path + _next_step(session, parent_path, parent_id),
        added_at=now(),
    )
    session.add(library)
    session.flush()
    return library


def _next_step(session: Session, parent_path: str, parent_id: str | None) -> str:
    wanted = select(func.max(Library.path)).where(Library.parent_id == parent_id)
    last = session.scalar(wanted)
    number = int(last[len(parent_path) :], 36) + 1 if last else 1
    if number >= 36**STEP:
        raise ConflictError(f"No more libraries fit below {parent_id!r}.")
    return encode(number)


def encode(number: int) -> str:
    """A number as four base-36 digits, so that text order is number order."""
    digits = ""
    for _ in range(STEP):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def default(session: Session) -> Library:
    """The library that owns what nobody says otherwise of: the first root, made when missing."""
    if (found := session.scalar(_FIRST_ROOT)) is not None:
        return found
    try:
        return add(session, DEFAULT, "本馆", "special", None)
    except ConflictError:  # another made it since the line above
        return get(session, DEFAULT)


def default_id(session: Session) -> str:
    """The id that :func:`default` has, or would have: nothing is made."""
    found = session.scalar(_FIRST_ROOT)
    return found.id if found else DEFAULT


_FIRST_ROOT = select(Library).where(Library.parent_id.is_(None)).order_by(Library.path).limit(1)
