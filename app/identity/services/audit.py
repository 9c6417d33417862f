"""Writing down who did what to whom, in the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.database import new_id, now
from app.identity.models import AuditEvent, AuditPending
from app.permissions import Caller


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it and from where; nobody is a command or the worker."""

    account_id: str | None = None
    address: str = ""
    request_id: str = ""


SYSTEM = Actor()
LONGEST_ADDRESS = 49
"""Characters; what a proxy says of an address may be anything."""


def actor_of(caller: Caller) -> Actor:
    """The caller of a request as the one who acts."""
    return Actor(caller.account_id, caller.address, caller.request_id)


def note(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    library_id: str | None = None,
    **detail: Any,
) -> None:
    """Adds what was done. ``subject`` is such as ``account:…``; the detail has no personal data."""
    event_id = new_id()
    session.add(AuditPending(event_id=event_id))
    session.add(
        AuditEvent(
            id=event_id,
            at=now(),
            actor=actor.account_id,
            action=action,
            subject=subject,
            library_id=library_id,
            address=actor.address[:LONGEST_ADDRESS],
            request_id=actor.request_id,
            detail=msgspec.json.encode(detail),
        )
    )
