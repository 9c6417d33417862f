"""What one agreed that other systems may know and do, and taking it back."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity.callers import session_of
from app.identity.services.audit import actor_of
from app.permissions import Caller, Permission
from app.signon.services import approvals as services
from app.web.api import Endpoints

approvals = Endpoints("signon.approvals", "/api/v1/me/approvals")
SIGNED_IN = Permission.SIGNED_IN


class ApprovalItem(msgspec.Struct, frozen=True):
    """A system, and what one agreed to; ``id`` is the system's."""

    id: str
    name: str
    scopes: list[str]
    given_at: str


class ApprovalList(msgspec.Struct, frozen=True):
    """The systems that one agreed to, the last one first; two hundred at most."""

    items: list[ApprovalItem]
    next: None = None


@approvals.get("", SIGNED_IN)
def index(session: Session, caller: Caller) -> ApprovalList:
    """What one agreed that other systems may know and do."""
    found = services.listed(session, session_of(caller).account_id)
    return ApprovalList(
        [ApprovalItem(x.client_id, x.name, x.scopes, rfc3339(x.given_at)) for x in found]
    )


@approvals.delete("/<client_id>", SIGNED_IN)
def take_back(session: Session, caller: Caller, client_id: str) -> None:
    """Take it back: nothing that the system got by it works any more."""
    account_id = session_of(caller).account_id
    services.take_back(session, actor_of(caller), account_id, client_id)
