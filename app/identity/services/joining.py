"""Joining the network: asking for it, being let in or refused, being set up, suspended, resumed.

A library that asks is kept with its wished place and seen by nobody but those who decide; their
roles reach what is above it. A suspended library's own grants stop counting
(``accounts``); what it has published stays, and what is below it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, Fault, InvalidError
from app.identity import tree
from app.identity.models import Library, LibraryApplication, LibraryState
from app.identity.services import authority
from app.identity.services.audit import Actor
from app.identity.services.events import happened
from app.identity.wording import line
from app.sealing import Sealer

PURPOSE = "application"
LONGEST_REASON = 500


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The person who asks for a library; one of e-mail and phone is needed. Kept sealed."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    phone: Annotated[str, Meta(max_length=20, pattern=r"^(\+?[0-9][0-9 -]*)?$")] = ""


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a library that asks to join says of itself; ``parent`` is where it wishes to be."""

    name: Annotated[str, Meta(min_length=1, max_length=tree.LONGEST_NAME)]
    level: Annotated[str, Meta(max_length=16)]
    parent: Annotated[str, Meta(min_length=1, max_length=64)]
    contact: Contact
    code: Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{1,16}$")] | None = None
    message: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What may be decided on a library: in which states, what it is then, and how that is told."""

    before: tuple[LibraryState, ...]
    after: LibraryState
    event: str
    needs_reason: bool = False
    forgets_contact: bool = False


_APPLIED, _SETTING_UP, _JOINED = (
    LibraryState.APPLIED, LibraryState.SETTING_UP, LibraryState.JOINED,
)  # fmt: skip
STEPS: Mapping[str, Step] = MappingProxyType({
    "approve": Step((_APPLIED,), _SETTING_UP, "approved"),
    "refuse": Step((_APPLIED, _SETTING_UP), LibraryState.REFUSED, "refused", True, True),
    "join": Step((_SETTING_UP,), _JOINED, "joined", forgets_contact=True),
    "suspend": Step((_JOINED,), LibraryState.SUSPENDED, "suspended", needs_reason=True),
    "resume": Step((LibraryState.SUSPENDED,), _JOINED, "resumed"),
})  # fmt: skip
"""Every change of a library's state."""


def apply(session: Session, actor: Actor, sealer: Sealer, asked: Application) -> Library:
    """Keeps the application of a library, which gets its id; nobody sees it yet but who decides.

    :raises InvalidError: for what it says of itself. :raises NotFoundError: for its parent.
    :raises ConflictError: when nothing more fits there.
    """
    if not (asked.contact.email or asked.contact.phone):
        raise InvalidError(Fault("body.contact", "missing", "an e-mail address or a phone number"))
    line(asked.contact.name, "body.contact.name", 64)
    message = line(asked.message, "body.message", LONGEST_REASON, needed=False)
    parent = tree.shown(session, asked.parent)
    library = tree.add(
        session, random_id(), asked.name, asked.level, parent.id, asked.code, LibraryState.APPLIED
    )
    sealed = sealer.seal(PURPOSE, library.id, msgspec.json.encode(asked.contact))
    session.add(
        LibraryApplication(library_id=library.id, contact=sealed, message=message, made_at=now())
    )
    now_is = {"state": library.state, "parent": parent.id}
    happened(session, actor, library, "applied", was={}, now_is=now_is)
    return library


def contact_of(sealer: Sealer, library_id: str, sealed: bytes) -> Contact:
    """Who asked for a library. :raises UnsealError: when it was sealed under another key."""
    return msgspec.json.decode(sealer.unseal(PURPOSE, library_id, sealed), type=Contact)


def take(
    session: Session, actor: Actor, reach: Sequence[str], library_id: str, step: str, reason: str
) -> Library:
    """Takes one of the :data:`STEPS`. ``reach`` is where the caller may approve libraries: above.

    :raises NotFoundError: for an unknown library. :raises ForbiddenError: outside the reach.
    :raises ConflictError: when its state has no such step.
    :raises InvalidError: without a reason where people are owed one.
    """
    library = tree.locked(session, library_id)
    authority.require_above(reach, library)
    taken = STEPS[step]
    if library.state not in taken.before:
        raise ConflictError(f"{library.name} is {library.state}: there is nothing to {step}.")
    reason = line(reason, "body.reason", LONGEST_REASON, needed=taken.needs_reason)
    was, library.state = library.state, taken.after.value
    authority.renew_below(session, library)
    if taken.forgets_contact:
        session.execute(
            delete(LibraryApplication).where(LibraryApplication.library_id == library_id)
        )
    happened(
        session, actor, library, taken.event,
        was={"state": was}, now_is={"state": library.state}, note=reason,
    )  # fmt: skip
    return library
