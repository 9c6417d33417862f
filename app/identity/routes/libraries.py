"""The network's libraries as a tree: reading it, shaping it, its history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.database import rfc3339
from app.identity import scope, tree
from app.identity.models import Library, LibraryEvent
from app.identity.queries import history as happenings
from app.identity.schemas import LibraryId, LibraryItem, LibraryList, LibraryQuery, PageQuery
from app.identity.services import joining, moving
from app.identity.services.audit import actor_of
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints, IfMatch

libraries = Endpoints("identity.libraries", "/api/v1/libraries")
APPROVE, MANAGE = Permission.APPROVE_LIBRARIES, Permission.MANAGE_LIBRARIES


class LibraryPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be set; the level only by who approves libraries above it."""

    name: Annotated[str, Meta(min_length=1, max_length=tree.LONGEST_NAME)] | UnsetType = UNSET
    level: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET
    code: Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{1,16}$")] | UnsetType | None = UNSET


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Below which library it is to stand."""

    parent: LibraryId


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided; to refuse and to suspend need a reason."""

    step: Literal["approve", "refuse", "join", "suspend", "resume"]
    reason: Annotated[str, Meta(max_length=joining.LONGEST_REASON)] = ""


class HistoryLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened; by whom and why is for who manages the library or what is above it."""

    id: str
    kind: str
    at: str
    was: dict[str, str | None]
    now: dict[str, str | None]
    by: str | None = None
    reason: str = ""


class History(msgspec.Struct, frozen=True):
    """What happened to a library, the last first."""

    items: list[HistoryLine]
    next: str | None


@libraries.get("", Permission.PUBLIC)
def index(session: Session, query: LibraryQuery, cursors: Cursors) -> LibraryList:
    """The libraries directly below one; the roots without `parent`; with `at` as they were then."""
    question = ["libraries", query.parent, rfc3339(query.at) if query.at else None]
    after = cursors.open(question, query.cursor)
    if query.at is None:
        rows = tree.children(session, query.parent, after, query.limit + 1)
    else:
        rows = happenings.children_at(session, query.parent, query.at, after, query.limit + 1)
    lines = rows[: query.limit]
    last = (lines[-1].path or lines[-1].id) if len(rows) > query.limit else None
    return LibraryList(
        [LibraryItem(x.id, x.name, x.level, x.parent, x.state) for x in lines
         if x.state not in tree.HIDDEN],
        cursors.seal(question, last) if last else None,
    )  # fmt: skip


@libraries.get("/<library_id>", Permission.PUBLIC)
def show(session: Session, library_id: LibraryId) -> Answer[LibraryItem]:
    """One library."""
    return _answer(tree.shown(session, library_id))


@libraries.patch("/<library_id>", MANAGE, problems=(404, 412, 428))
def edit(
    session: Session, caller: Caller, library_id: LibraryId, version: IfMatch, body: LibraryPatch
) -> Answer[LibraryItem]:
    """Rename a library, or change its level or code.

    Send the ETag that you read as If-Match.
    """
    told = {n: v for n, v in msgspec.structs.asdict(body).items() if v is not UNSET}
    reach, above = caller.reach(MANAGE), caller.reach(APPROVE)
    return _answer(moving.edit(session, actor_of(caller), reach, above, library_id, told, version))


@libraries.post("/<library_id>/move", APPROVE, problems=(409, 412, 428))
def move(
    session: Session, caller: Caller, library_id: LibraryId, version: IfMatch, body: Move
) -> Answer[LibraryItem]:
    """Move a library, with everything below it, to another parent.

    You must approve libraries both where it stands and where it is to stand.
    """
    reach = caller.reach(APPROVE)
    return _answer(moving.move(session, actor_of(caller), reach, library_id, body.parent, version))


@libraries.post("/<library_id>/steps", APPROVE, problems=(409,))
def step(
    session: Session, caller: Caller, library_id: LibraryId, body: Decision
) -> Answer[LibraryItem]:
    """Decide on a library: let it in or refuse it, call it set up, suspend it or end that.

    You must approve libraries above it. While it is suspended its own roles do not count; what it
    published stays readable.
    """
    reach = caller.reach(APPROVE)
    return _answer(
        joining.take(session, actor_of(caller), reach, library_id, body.step, body.reason)
    )


@libraries.get("/<library_id>/history", Permission.PUBLIC)
def history(
    session: Session, caller: Caller, library_id: LibraryId, query: PageQuery, cursors: Cursors
) -> History:
    """What happened to a library: moved, renamed, joined, suspended, the last first."""
    library = tree.shown(session, library_id)
    question = ["library-history", library_id]
    rows = happenings.events(
        session, library_id, cursors.open(question, query.cursor), query.limit + 1
    )
    kept, in_full = rows[: query.limit], scope.covers(caller.reach(MANAGE), library.path)
    end = cursors.seal(question, kept[-1].id) if len(rows) > query.limit else None
    return History([_line(event, in_full) for event in kept], end)


def _line(event: LibraryEvent, in_full: bool) -> HistoryLine:
    detail = happenings.detail_of(event)
    by, reason = (event.account_id, event.note) if in_full else (None, "")
    return HistoryLine(event.id, event.kind, rfc3339(event.at), detail.was, detail.now, by, reason)


def _answer(row: Library) -> Answer[LibraryItem]:
    item = LibraryItem(row.id, row.name, row.level, row.parent_id, row.state)
    return Answer(item, etag=f"v{row.version}")
