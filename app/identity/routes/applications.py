"""Asking to join the network, and what those who decide see of it."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.database import rfc3339
from app.identity.queries import applications as queries
from app.identity.schemas import LibraryId, PageQuery
from app.identity.services import joining
from app.identity.services.audit import actor_of
from app.identity.services.joining import Application, Contact
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Answer, Endpoints, Limited

applications = Endpoints("identity.applications", "/api/v1/applications")


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an application stands; its id becomes the library's."""

    id: str
    name: str
    state: str
    reason: str = ""
    """Why it was refused."""


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """An application that waits for a decision, or for the library to be set up."""

    id: str
    name: str
    level: str
    parent: str | None
    state: str
    at: str
    contact: Contact
    code: str | None = None
    message: str = ""


class WaitingList(msgspec.Struct, frozen=True):
    """Applications, the oldest first."""

    items: list[Waiting]
    next: str | None


@applications.post(
    "", Permission.PUBLIC, status=201, problems=(404, 409), limited=Limited("applications")
)
def apply(session: Session, caller: Caller, sealer: Sealer, body: Application) -> Answer[Standing]:
    """Ask for a library to join the network, below the one that you name.

    The answer's address tells how the application stands. The contact is kept encrypted, shown to
    those who decide, and forgotten once the library has joined or is refused.
    """
    library = joining.apply(session, actor_of(caller), sealer, body)
    headers = {"Location": f"/api/v1/applications/{library.id}"}
    return Answer(Standing(library.id, library.name, library.state), 201, headers=headers)


@applications.get("", Permission.APPROVE_LIBRARIES)
def index(
    session: Session, caller: Caller, sealer: Sealer, query: PageQuery, cursors: Cursors
) -> WaitingList:
    """The applications to places that you decide on, the oldest first."""
    after = cursors.open("applications", query.cursor)
    reach = caller.reach(Permission.APPROVE_LIBRARIES)
    rows = queries.waiting(session, reach, tuple(after) if after else None, query.limit + 1)
    kept = rows[: query.limit]
    end = cursors.seal("applications", kept[-1].position) if len(rows) > query.limit else None
    return WaitingList([_waiting(sealer, row) for row in kept], end)


@applications.get("/<library_id>", Permission.PUBLIC)
def show(session: Session, library_id: LibraryId) -> Standing:
    """How an application stands."""
    library, reason = queries.standing(session, library_id)
    return Standing(library.id, library.name, library.state, reason)


def _waiting(sealer: Sealer, row: queries.Waiting) -> Waiting:
    library = row.library
    return Waiting(
        id=library.id,
        name=library.name,
        level=library.level,
        parent=library.parent_id,
        state=library.state,
        at=rfc3339(row.made_at),
        contact=joining.contact_of(sealer, library.id, row.contact),
        code=library.code,
        message=row.message,
    )
