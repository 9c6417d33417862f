"""Staff: what is done at the desk of a library for a reader's standing."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from app.identity.people import AccountId
from app.identity.schemas import LibraryId
from app.identity.services import audit
from app.identity.services import confirming as services
from app.permissions import Caller, Permission
from app.web.api import Endpoints

desk = Endpoints("identity.desk", "/api/v1/libraries/<library_id>/readers/<account_id>")
MANAGE = Permission.MANAGE_READERS


class RevokeQuery(msgspec.Struct, frozen=True):
    """Why: it was a fraud, a mistake, or the person asked for it."""

    reason: Literal["fraud", "mistake", "request"]


@desk.put("/confirmation", MANAGE, problems=(404,))
def confirm(session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId) -> None:
    """Confirm that the person and the card are who the account says: level 2."""
    services.confirm(session, caller, audit.actor_of(caller), library_id, account_id)


@desk.delete("/confirmation", MANAGE, problems=(404,))
def unconfirm(
    session: Session, caller: Caller, library_id: LibraryId, account_id: AccountId
) -> None:
    """Take the confirmation back; a verified real name stands."""
    services.unconfirm(session, caller, audit.actor_of(caller), library_id, account_id)


@desk.delete("/verification", MANAGE, problems=(404,))
def revoke(
    session: Session,
    caller: Caller,
    library_id: LibraryId,
    account_id: AccountId,
    query: RevokeQuery,
) -> None:
    """Take a verified real name away; the person may be verified anew."""
    actor = audit.actor_of(caller)
    services.revoke(session, caller, actor, library_id, account_id, query.reason)
