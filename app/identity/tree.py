"""The library tree: a materialised path in byte order, read by range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, func, select, text
from sqlalchemy.orm import Session, aliased

from app.database import now
from app.errors import ConflictError, Fault, InvalidError, NotFoundError
from app.identity.models import LEVELS, Library, LibraryState
from app.identity.wording import line as text_line

STEP = 4
LONGEST = 64
"""Characters of a path: sixteen levels."""
LONGEST_NAME = 200
DEFAULT = "main"
HIDDEN = (LibraryState.APPLIED, LibraryState.REFUSED)
"""States of libraries that are not of the network: only who decides on them sees them."""
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
    state: str = LibraryState.JOINED


def below(
    column: SQLColumnExpression[str], path: str | SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """That a path is ``path`` or below it: one range of an index, whatever the number."""
    return and_(column >= path, column < path + _END)


def above(path: str) -> str:
    """The path of the library above this one; empty above a root."""
    return path[:-STEP]


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


def shown(session: Session, library_id: str) -> Library:
    """The library of this id, where everybody may know of it.

    :raises NotFoundError: when there is none, or it is not of the network (yet).
    """
    library = get(session, library_id)
    if library.state in HIDDEN:
        raise NotFoundError("library", library_id)
    return library


def locked(session: Session, library_id: str) -> Library:
    """The library as it stands now, locked until the transaction ends.

    :raises NotFoundError: when there is none.
    """
    library = session.get(Library, library_id, with_for_update=True, populate_existing=True)
    if library is None:
        raise NotFoundError("library", library_id)
    return library


def hold(session: Session) -> None:
    """Lets nobody else change the shape of the tree until the transaction ends.

    Two moves at once could each go below the other, and what is added while a library moves
    would keep the path from before. On SQLite only one transaction writes anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_HOLD)


_HOLD = text("SELECT pg_advisory_xact_lock(hashtext('kaijuan libraries'))")


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
    wanted = (
        select(Library)
        .where(Library.parent_id == parent_id, Library.state.not_in(HIDDEN))
        .order_by(Library.path)
    )
    if after is not None:
        wanted = wanted.where(Library.path > after)
    return [line(row) for row in session.scalars(wanted.limit(limit))]


def line(row: Library) -> LibraryLine:
    """The library as it is listed."""
    return LibraryLine(row.id, row.name, row.level, row.parent_id, row.path, row.state)


def add(
    session: Session,
    library_id: str,
    name: str,
    level: str,
    parent_id: str | None,
    code: str | None = None,
    state: str = LibraryState.JOINED,
) -> Library:
    """Adds a library as the last child of its parent.

    :raises InvalidError: for an empty id or name, or an unknown level.
    :raises NotFoundError: for an unknown parent.
    :raises ConflictError: when the id is taken, or nothing more fits there.
    """
    if not library_id or len(library_id) > 64 or not library_id.isprintable():
        raise InvalidError(Fault("id", "invalid", "1 to 64 printable characters"))
    name = text_line(name, "name", LONGEST_NAME)
    require_level(level, "level")
    if code is not None:
        require_code(code, "code")
    hold(session)
    if session.get(Library, library_id) is not None:
        raise ConflictError(f"There is a library {library_id!r} already.")
    library = Library(
        id=library_id,
        name=name,
        level=level,
        code=code,
        parent_id=parent_id,
        path=free_path(session, locked(session, parent_id) if parent_id else None),
        added_at=now(),
        state=str(state),
    )
    session.add(library)
    session.flush()
    return library


def require_level(level: str, place: str) -> None:
    """:raises InvalidError: for a level that the network does not have."""
    if level not in LEVELS:
        raise InvalidError(Fault(place, "unknown", "one of " + ", ".join(LEVELS)))


def require_code(code: str, place: str) -> None:
    """:raises InvalidError: for what is no code of an administrative division."""
    if not (code.isascii() and code.isalnum() and len(code) <= 16):
        raise InvalidError(Fault(place, "invalid", "1 to 16 letters and digits"))


def free_path(session: Session, parent: Library | None, *, depth: int = 1) -> str:
    """The path after the last child of ``parent``, or after the last root.

    Whoever takes it holds the tree. :raises ConflictError: when there is none left, or when what
    is to be put there, of ``depth`` levels, would lie deeper than a path can say.
    """
    above_it, name = (parent.path, parent.name) if parent else ("", "the top")
    wanted = select(func.max(Library.path)).where(
        Library.parent_id == (parent.id if parent else None)
    )
    last = session.scalar(wanted)
    number = max(step_of(last) if last else 0, parent.left_step if parent else 0) + 1
    if number >= 36**STEP:
        raise ConflictError(f"No more libraries fit below {name}.")
    if len(above_it) + depth * STEP > LONGEST:
        levels = LONGEST // STEP
        raise ConflictError(f"Below {name} it would lie deeper than {levels} levels.")
    return above_it + encode(number)


def step_of(path: str) -> int:
    """Which of its parent's steps a path ends with: the reverse of :func:`encode`."""
    return int(path[-STEP:], 36)


def encode(number: int) -> str:
    """A number as four base-36 digits, so that text order is number order."""
    digits = ""
    for _ in range(STEP):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def astray(session: Session) -> int:
    """How many libraries have a path that is not right below their parent's: 0, or it is broken."""
    parent = aliased(Library)
    end = func.length(Library.path) - STEP
    wanted = (
        select(func.count())
        .select_from(Library)
        .join(parent, parent.id == Library.parent_id)
        .where(func.substr(Library.path, 1, end) != parent.path)
    )
    return session.scalar(wanted) or 0


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
