"""One's own: the libraries through whose sign-on one comes in."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity.callers import known_of, session_of
from app.identity.routes import visits
from app.permissions import Caller, Permission
from app.signon.routes.providers import ProviderId
from app.signon.services import identities as services
from app.web.api import Endpoints

identities = Endpoints("signon.identities", "/api/v1/me/identities")
SIGNED_IN = Permission.SIGNED_IN


class IdentityItem(msgspec.Struct, frozen=True):
    """A library's sign-on by which one comes in; ``id`` is the provider's."""

    id: str
    library: str
    name: str
    linked_at: str
    used_at: str


class IdentityList(msgspec.Struct, frozen=True):
    """The libraries by which one comes in."""

    items: list[IdentityItem]
    next: None = None


@identities.get("", SIGNED_IN)
def index(session: Session, caller: Caller) -> IdentityList:
    """The libraries through whose sign-on one comes in."""
    return IdentityList([
        IdentityItem(
            id=one.provider_id,
            library=one.library,
            name=one.name,
            linked_at=rfc3339(one.linked_at),
            used_at=rfc3339(one.used_at),
        )
        for one in services.listed(session, known_of(caller).account_id)
    ])  # fmt: skip


@identities.delete("/<provider_id>", SIGNED_IN, problems=(404, 409))
def unlink(session: Session, caller: Caller, provider_id: ProviderId) -> None:
    """Take a library's way in away, unless it is the last; asks to have signed in a moment ago."""
    known = session_of(caller)
    services.unlink(session, visits.visit_of(caller).actor(known.account_id), known, provider_id)
