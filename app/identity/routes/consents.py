"""What people agree to: the texts, and one's own consents with their history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity.callers import session_of
from app.identity.documents import DOCUMENTS, TO_SIGN_UP, Purpose
from app.identity.routes import visits
from app.identity.services import consents as services
from app.permissions import Caller, Permission
from app.web.api import Endpoints

documents = Endpoints("identity.documents", "/api/v1/documents")
consents = Endpoints("identity.consents", "/api/v1/me/consents")
SIGNED_IN = Permission.SIGNED_IN
Given = Literal["terms", "privacy"]
"""What is given here; the others are given where they are needed."""


class DocumentItem(msgspec.Struct, frozen=True):
    """A text that people agree to; ``version`` changes with its words.

    ``address`` is where it can be read; ``to_sign_up`` when an account cannot be had without it.
    """

    purpose: str
    version: str
    title: str
    address: str
    to_sign_up: bool


class DocumentList(msgspec.Struct, frozen=True):
    """Every text there is."""

    items: list[DocumentItem]
    next: None = None


class ConsentItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A consent that was given, and when it was withdrawn."""

    purpose: str
    version: str
    given_at: str
    by_guardian: bool = False
    withdrawn_at: str | None = None


class ConsentList(msgspec.Struct, frozen=True):
    """One's consents, the newest first; ``due`` is what is still to be agreed to."""

    items: list[ConsentItem]
    due: list[str]
    next: None = None


class Agreed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that one has read."""

    version: Annotated[str, Meta(min_length=1, max_length=16)]


@documents.get("", Permission.PUBLIC)
def index() -> DocumentList:
    """The texts that people agree to, with the versions of now."""
    return DocumentList([
        DocumentItem(
            purpose=str(one.purpose),
            version=one.version,
            title=one.texts["zh"].title,
            address=one.address,
            to_sign_up=one.purpose in TO_SIGN_UP,
        )
        for one in DOCUMENTS.values()
    ])  # fmt: skip


@consents.get("", SIGNED_IN)
def show(session: Session, caller: Caller) -> ConsentList:
    """What one has agreed to, and what is still to be agreed to."""
    return told(session, session_of(caller).account_id)


@consents.put("/<purpose>", SIGNED_IN)
def give(session: Session, caller: Caller, purpose: Given, body: Agreed) -> ConsentList:
    """Agree to a text, in the version of now."""
    account_id = session_of(caller).account_id
    actor = visits.visit_of(caller).actor(account_id)
    services.give(session, actor, account_id, Purpose(purpose), body.version)
    return told(session, account_id)


def told(session: Session, account_id: str) -> ConsentList:
    """The consents as they are sent."""
    items = [
        ConsentItem(
            purpose=one.purpose,
            version=one.version,
            given_at=rfc3339(one.given_at),
            by_guardian=one.by_guardian,
            withdrawn_at=rfc3339(one.withdrawn_at) if one.withdrawn_at else None,
        )
        for one in services.listed(session, account_id)
    ]
    return ConsentList(items, [str(one) for one in services.due(session, account_id)])
