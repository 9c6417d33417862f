"""Passkeys: registering, signing in by one, and what their owner sees of them.

The bodies are those of WebAuthn level 3 § 5.1: what ``PublicKeyCredential.toJSON()`` gives.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from flask import request
from msgspec import Meta
from sqlalchemy.orm import Session

from app.config import Settings
from app.database import Database, rfc3339
from app.identity import wording
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.routes.sessions import answer
from app.identity.schemas import Me
from app.identity.services import passkeys as services
from app.identity.services.ceremonies import Ceremonies, Site, site_of
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

passkeys = Endpoints("identity.passkeys", "/api/v1")
SIGNED_IN = Permission.SIGNED_IN
LONGEST_LABEL = 64
Bytes = Annotated[str, Meta(max_length=20_000, description="Base64url (RFC 4648 § 5).")]
Label = Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]


class PasskeyOptions(msgspec.Struct, frozen=True, rename="camel"):
    """What ``navigator.credentials`` is asked for."""

    public_key: dict[str, Any]


class Attested(msgspec.Struct, frozen=True, rename={"client_data": "clientDataJSON"}):
    """What a device answers that made a passkey."""

    client_data: Bytes
    attestation_object: Bytes = msgspec.field(name="attestationObject")
    transports: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=10)] = []


class MadePasskey(msgspec.Struct, frozen=True, rename={"raw_id": "rawId"}):
    """A new passkey (RegistrationResponseJSON), and what it is to be called."""

    id: Bytes
    raw_id: Bytes
    type: Literal["public-key"]
    response: Attested
    label: Label | None = None


class Asserted(msgspec.Struct, frozen=True, rename={"client_data": "clientDataJSON"}):
    """What a device answers that shows a passkey."""

    client_data: Bytes
    authenticator_data: Bytes = msgspec.field(name="authenticatorData")
    signature: Bytes
    user_handle: Bytes | None = msgspec.field(name="userHandle", default=None)


class ShownPasskey(msgspec.Struct, frozen=True, rename={"raw_id": "rawId"}):
    """A passkey that is shown (AuthenticationResponseJSON)."""

    id: Bytes
    raw_id: Bytes
    type: Literal["public-key"]
    response: Asserted


class PasskeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a passkey is called."""

    label: Label


class PasskeyItem(msgspec.Struct, frozen=True):
    """A passkey. ``synced`` ones are copied between their owner's devices; ``refused`` is one whose
    counter went back, because somebody else has it too."""

    id: str
    label: str
    synced: bool
    added_at: str
    used_at: str | None
    network: str
    refused: bool


class PasskeyList(msgspec.Struct, frozen=True):
    """One's passkeys, the oldest first; twenty at most."""

    items: list[PasskeyItem]
    next: None = None


@passkeys.post("/session/passkey/options", Permission.PUBLIC)
def ask_to_sign_in(ceremonies: Ceremonies, settings: Settings, forms: Forms) -> PasskeyOptions:
    """Ask what the browser is to show to sign in; it holds for five minutes, in this browser."""
    return PasskeyOptions(ceremonies.ask_to_sign_in(here(settings), forms.browser()))


@passkeys.post("/session/passkey", Permission.PUBLIC, status=201, problems=(429,))
def sign_in(
    database: Database,
    ceremonies: Ceremonies,
    settings: Settings,
    forms: Forms,
    caller: Caller,
    body: ShownPasskey,
) -> Me:
    """Sign in by a passkey, with the second factor in it."""
    visit, shown = visits.visit_of(caller), msgspec.to_builtins(body)
    return answer(database, ceremonies.sign_in(here(settings), visit, forms.browser(), shown))


@passkeys.get("/me/passkeys", SIGNED_IN)
def index(session: Session, caller: Caller) -> PasskeyList:
    """One's passkeys."""
    return PasskeyList([
        PasskeyItem(
            id=one.id,
            label=one.label,
            synced=one.is_synced,
            added_at=rfc3339(one.added_at),
            used_at=rfc3339(one.used_at) if one.used_at else None,
            network=one.network,
            refused=one.is_refused,
        )
        for one in services.listed(session, session_of(caller).account_id)
    ])  # fmt: skip


@passkeys.post("/me/passkeys/options", SIGNED_IN)
def ask_to_register(
    ceremonies: Ceremonies, settings: Settings, forms: Forms, caller: Caller
) -> PasskeyOptions:
    """Ask what the browser is to make; asks to have signed in a moment ago."""
    known, browser = session_of(caller), forms.browser()
    return PasskeyOptions(ceremonies.ask_to_register(here(settings), known, browser))


@passkeys.post("/me/passkeys", SIGNED_IN, status=201)
def register(
    database: Database,
    ceremonies: Ceremonies,
    settings: Settings,
    forms: Forms,
    caller: Caller,
    body: MadePasskey,
) -> Me:
    """Keep the passkey that the browser made; the session goes on with it shown."""
    visit, known = visits.visit_of(caller), session_of(caller)
    made = msgspec.to_builtins(body)
    label = wording.line(body.label or visit.device or "Passkey", "body.label", LONGEST_LABEL)
    browser = forms.browser()
    entered = ceremonies.register(here(settings), visit, known, browser, made, label)
    return answer(database, entered)


@passkeys.patch("/me/passkeys/<passkey_id>", SIGNED_IN)
def rename(session: Session, caller: Caller, passkey_id: str, body: PasskeyChange) -> None:
    """Call a passkey something else."""
    account_id = session_of(caller).account_id
    label = wording.line(body.label, "body.label", LONGEST_LABEL)
    actor = visits.visit_of(caller).actor(account_id)
    services.rename(session, actor, account_id, passkey_id, label)


@passkeys.delete("/me/passkeys/<passkey_id>", SIGNED_IN)
def remove(session: Session, caller: Caller, passkey_id: str) -> None:
    """Take a passkey away; not the last second factor of who has power over others."""
    known = session_of(caller)
    services.remove(session, visits.visit_of(caller).actor(known.account_id), known, passkey_id)


def here(settings: Settings) -> Site | None:
    """Where this request found us; the name is believed only of this machine itself."""
    return site_of(settings.public_url, request.host_url)
