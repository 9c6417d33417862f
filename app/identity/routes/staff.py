"""Staff: who has which role at a library; giving roles, inviting people, withdrawing."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.config import Settings
from app.cursors import Cursors
from app.database import Database
from app.errors import Fault, InvalidError
from app.identity import tree
from app.identity.people import AccountId, StaffList
from app.identity.queries import staff as queries
from app.identity.schemas import LibraryId
from app.identity.services import audit, authority
from app.identity.services import staff as services
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints

staff = Endpoints("identity.staff", "/api/v1/libraries")
MANAGE = Permission.MANAGE_STAFF
RoleName = Annotated[str, Meta(min_length=1, max_length=32)]


class StaffQuery(msgspec.Struct, frozen=True):
    """Which staff: the library's own, or also that of the libraries below it."""

    below: bool = False
    cursor: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class NewMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role for an account, or for a new person of this ``name``."""

    role: RoleName
    account: AccountId | None = None
    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class Added(msgspec.Struct, frozen=True):
    """Who has the role; for a new person the link that signs them in once, within a day."""

    account: str
    role: str
    library: str
    link: str | None


class RoleQuery(msgspec.Struct, frozen=True):
    """Which role; all of them without it."""

    role: RoleName | None = None


@staff.get("/<library_id>/staff", MANAGE, problems=(404,))
def index(
    session: Session, caller: Caller, library_id: LibraryId, query: StaffQuery, cursors: Cursors
) -> StaffList:
    """Roles at a library, in the tree's order with ``below=true`` also at those below it."""
    library = tree.get(session, library_id)
    authority.require(caller.reach(MANAGE), MANAGE, library)
    question = ["staff", library.id, query.below]
    after = cursors.open(question, query.cursor)
    items, end = queries.listed(session, library.path, after, query.limit, below=query.below)
    return StaffList(items, cursors.seal(question, end) if end else None)


@staff.post("/<library_id>/staff", MANAGE, status=201, problems=(404, 409))
def add(
    database: Database, caller: Caller, settings: Settings, library_id: LibraryId, body: NewMember
) -> Answer[Added]:
    """Give a role to an account, or to a new person who is invited by a link."""
    if (body.account is None) == (body.name is None):
        raise InvalidError(Fault("account", "either-or", "either `account` or `name`"))

    def write(session: Session) -> Added:
        actor, given = audit.actor_of(caller), (library_id, body.account or body.name or "")
        if body.account is not None:
            services.give(session, caller, actor, *given, body.role)
            return Added(body.account, body.role, library_id, None)
        account_id, secret = services.invite(session, caller, actor, *given, body.role)
        link = f"{settings.public_url or ''}/sign-in#{secret}"
        return Added(account_id, body.role, library_id, link)

    # In a transaction of its own, so that no Idempotency-Key keeps the secret with the answer.
    return Answer(database.run(write), 201)


@staff.delete("/<library_id>/staff/<account_id>", MANAGE, problems=(404,))
def remove(
    session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId, query: RoleQuery
) -> None:
    """Withdraw a role at a library, or all that the account has there."""
    actor = audit.actor_of(caller)
    services.withdraw(session, caller, actor, library_id, account_id, query.role)
