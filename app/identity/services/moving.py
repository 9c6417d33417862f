"""Moving a library with everything below it, renaming it, changing its level and its code."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.orm import Session

from app.errors import ConflictError, StaleError
from app.identity import tree
from app.identity.models import Library
from app.identity.services import authority
from app.identity.services.audit import Actor
from app.identity.services.events import Facts, happened
from app.identity.wording import line
from app.jobs import enqueue
from app.permissions import Permission

MOVED = "catalog.library_moved"
"""The job that has the records below a library be found at its new place; it is the catalogue's."""


def move(
    session: Session,
    actor: Actor,
    reach: Sequence[str],
    library_id: str,
    parent_id: str | None,
    version: int | None = None,
) -> Library:
    """Puts a library, with everything below it, below another; as its last child.

    ``reach`` is where the caller may approve libraries: above where it stands, and where it is to
    stand. The number of statements does not grow with what is moved.

    :raises NotFoundError: for an unknown library or parent.
    :raises ForbiddenError: when the reach does not cover both places.
    :raises StaleError: when the library is past ``version``.
    :raises ConflictError: when it stands there already, when that is below itself, and when it
        does not fit there.
    """
    tree.hold(session)
    library = _at(session, library_id, version)
    authority.require_above(reach, library)
    parent = tree.locked(session, parent_id) if parent_id else None
    if parent is not None:
        authority.require(reach, Permission.APPROVE_LIBRARIES, parent)
    else:
        authority.require(reach, Permission.APPROVE_LIBRARIES, library, "")
    if library.parent_id == parent_id:
        raise ConflictError(f"{library.name} stands there already.")
    if parent is not None and parent.path.startswith(library.path):
        raise ConflictError(f"{parent.name} is {library.name} or stands below it.")
    path = tree.free_path(session, parent, depth=_depth(session, library))
    was, now_is = {"parent": library.parent_id}, {"parent": parent_id}
    _leave(session, library)
    _rewrite(session, library, path, parent_id)
    below = was["parent"] or ""
    happened(session, actor, library, "moved", was=was, now_is=now_is, below=below)
    authority.renew_below(session, library)
    enqueue(session, MOVED, unique=library.id, library=library.id)
    return library


def edit(
    session: Session,
    actor: Actor,
    reach: Sequence[str],
    above: Sequence[str],
    library_id: str,
    told: Facts,
    version: int | None = None,
) -> Library:
    """Sets what is told of ``name``, ``level`` and ``code``; the same again changes nothing.

    ``reach`` is where the caller manages libraries; ``above`` is where they approve them, which a
    change of level asks for.

    :raises NotFoundError, ForbiddenError, StaleError: as :func:`move`.
    :raises InvalidError: for a name, level or code that cannot be.
    """
    library = _at(session, library_id, version)
    authority.require(reach, Permission.MANAGE_LIBRARIES, library)
    now_is = _changed(library, told)
    if "level" in now_is:
        authority.require_above(above, library)
    if not now_is:
        return library
    was = {name: getattr(library, name) for name in now_is}
    for name, value in now_is.items():
        setattr(library, name, value)
    kind = "renamed" if "name" in now_is else "changed"
    happened(session, actor, library, kind, was=was, now_is=now_is)
    return library


def _at(session: Session, library_id: str, version: int | None) -> Library:
    library = tree.locked(session, library_id)
    if version is not None and library.version != version:
        raise StaleError("library", library_id, library.version)
    return library


def _changed(library: Library, told: Facts) -> dict[str, str | None]:
    """What of this the library does not say yet; it is looked at before it is believed."""
    said = dict(told)
    if said.get("name") is not None:
        said["name"] = line(said["name"] or "", "name", tree.LONGEST_NAME)
    changed = {name: value for name, value in said.items() if getattr(library, name) != value}
    if "level" in changed:
        tree.require_level(changed["level"] or "", "level")
    if changed.get("code") is not None:
        tree.require_code(changed["code"] or "", "code")
    return changed


def _depth(session: Session, library: Library) -> int:
    """How many levels the library and what is below it make."""
    longest = select(func.max(func.length(Library.path)))
    deepest = session.scalar(longest.where(tree.below(Library.path, library.path))) or 0
    return 1 + (deepest - len(library.path)) // tree.STEP


def _leave(session: Session, library: Library) -> None:
    """What is where the library stood is not to be taken for it."""
    if library.parent_id:
        parent = tree.locked(session, library.parent_id)
        parent.left_step = max(parent.left_step, tree.step_of(library.path))


def _rewrite(session: Session, library: Library, path: str, parent_id: str | None) -> None:
    """Gives the whole subtree its new paths in one statement.

    No path that is given stands in the way of one that is there: nothing lies below a free path.
    """
    rest = func.substr(Library.path, len(library.path) + 1)
    parent = case((Library.id == library.id, parent_id), else_=Library.parent_id)
    moved = update(Library).where(tree.below(Library.path, library.path))
    session.flush()
    session.execute(
        moved.values(path=literal(path) + rest, parent_id=parent),
        execution_options={"synchronize_session": False},
    )
    session.refresh(library)
