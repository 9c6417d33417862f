"""Device passwords: made, seen and taken away by their owner."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.identity import wording
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.services import device_passwords as services
from app.permissions import Caller, DeviceScope, Permission
from app.sealing import Sealer
from app.web.api import Endpoints

device_passwords = Endpoints("identity.device_passwords", "/api/v1/me/device-passwords")
SIGNED_IN = Permission.SIGNED_IN
LONGEST_LABEL = 64


class DevicePasswordWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which device or app, and what it is to open."""

    label: Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
    scopes: Annotated[list[DeviceScope], Meta(min_length=1, max_length=2)]


class DevicePasswordMade(msgspec.Struct, frozen=True):
    """What is to be typed on the device. The password is shown this once."""

    id: str
    login: str
    password: str


class DevicePasswordItem(msgspec.Struct, frozen=True):
    """A device password: what it opens, when and from which network it was last used."""

    id: str
    label: str
    login: str
    scopes: list[str]
    made_at: str
    used_at: str | None
    network: str


class DevicePasswordList(msgspec.Struct, frozen=True):
    """One's device passwords, the newest first; twenty at most. ``login`` is for the next one."""

    login: str
    items: list[DevicePasswordItem]
    next: None = None


@device_passwords.get("", SIGNED_IN)
def index(session: Session, sealer: Sealer, caller: Caller) -> DevicePasswordList:
    """One's device passwords; the passwords themselves are not kept."""
    account_id = session_of(caller).account_id
    return DevicePasswordList(
        services.login_of(sealer, account_id),
        [
            DevicePasswordItem(
                id=one.id,
                label=one.label,
                login=one.login,
                scopes=one.scopes,
                made_at=rfc3339(one.made_at),
                used_at=rfc3339(one.used_at) if one.used_at else None,
                network=one.network,
            )
            for one in services.listed(session, account_id)
        ],
    )


@device_passwords.post("", SIGNED_IN, status=201)
def make(
    database: Database, sealer: Sealer, caller: Caller, body: DevicePasswordWanted
) -> DevicePasswordMade:
    """Make a password for an app that knows no other way; asks to have signed in a moment ago.

    ``opds`` is for catalogues and downloads, by Basic; ``kosync`` for KOReader.
    """
    visit, known = visits.visit_of(caller), session_of(caller)
    label = wording.line(body.label, "body.label", LONGEST_LABEL)
    made = database.run(lambda s: services.make(s, sealer, visit, known, label, body.scopes))
    return DevicePasswordMade(made.id, made.login, made.password)


@device_passwords.delete("/<password_id>", SIGNED_IN)
def revoke(session: Session, caller: Caller, password_id: str) -> None:
    """Take a device password away; the device is out at once."""
    account_id = session_of(caller).account_id
    services.revoke(session, visits.visit_of(caller).actor(account_id), account_id, password_id)
