"""Where one is signed on, and ending that in one system."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity.callers import known_of, session_of
from app.identity.routes import visits
from app.permissions import Caller, Permission
from app.signon.services import sign_ons, signing_off
from app.web.api import Endpoints

mine = Endpoints("signon.sign_ons", "/api/v1/me/sign-ons")
SIGNED_IN = Permission.SIGNED_IN


class SignOnItem(msgspec.Struct, frozen=True):
    """A system that one is signed on to, on so many devices; ``id`` is the system's."""

    id: str
    name: str
    protocol: str
    sessions: int
    first_at: str
    last_at: str


class SignOnList(msgspec.Struct, frozen=True):
    """The systems that one is signed on to, the last one first; a hundred at most."""

    items: list[SignOnItem]
    next: None = None


@mine.get("", SIGNED_IN)
def index(session: Session, caller: Caller) -> SignOnList:
    """Where one is signed on."""
    return SignOnList([
        SignOnItem(
            id=one.client_id,
            name=one.name,
            protocol=one.protocol,
            sessions=one.sessions,
            first_at=rfc3339(one.since),
            last_at=rfc3339(one.last),
        )
        for one in sign_ons.listed(session, known_of(caller).account_id)
    ])  # fmt: skip


@mine.delete("/<client_id>", SIGNED_IN)
def end(session: Session, caller: Caller, client_id: str) -> None:
    """Sign out of one system, on every device; one stays signed in here."""
    account_id = session_of(caller).account_id
    signing_off.end(session, visits.visit_of(caller).actor(account_id), account_id, client_id)
