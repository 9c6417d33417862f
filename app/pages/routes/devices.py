"""The page of one's devices: passkeys, sessions, device passwords, systems signed on to."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.config import Settings
from app.database import Database
from app.errors import KaijuanError
from app.identity import wording
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.routes.device_passwords import LONGEST_LABEL
from app.identity.routes.passkeys import here
from app.identity.services import device_passwords, passkeys, sessions
from app.pages.doing import done, refused, shown, told
from app.pages.render import Site, link, onwards_to
from app.permissions import Caller, DeviceScope, Permission
from app.sealing import Sealer
from app.signon.services import sign_ons, signing_off
from app.web.api import Endpoints
from app.web.forms import Forms

devices = Endpoints("pages.devices", "/account/devices")
SIGNED_IN = Permission.SIGNED_IN
HERE = "/account/devices"
Text = Annotated[str, Meta(max_length=500)]


class DevicesQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before."""

    done: Text = ""
    trouble: Text = ""


class SessionForm(msgspec.Struct, frozen=True):
    """Which session; all others without it."""

    session: Text = ""


class SignOnForm(msgspec.Struct, frozen=True):
    """Which system."""

    system: Text = ""


class PasskeyForm(msgspec.Struct, frozen=True):
    """Which passkey, and what it is to be called."""

    passkey: Text = ""
    label: Text = ""


class MakeForm(msgspec.Struct, frozen=True):
    """For which device, and what its password is to open: anything that is checked."""

    label: Text = ""
    opds: Text = ""
    kosync: Text = ""


class RevokeForm(msgspec.Struct, frozen=True):
    """Which device password."""

    password: Text = ""


@devices.get("", Permission.PUBLIC, json=False)
def show(
    session: Session,
    site: Site,
    settings: Settings,
    sealer: Sealer,
    forms: Forms,
    caller: Caller,
    query: DevicesQuery,
) -> Response:
    """What one signs in with and where."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    known = session_of(caller)
    return shown(
        site,
        forms,
        "devices.html",
        is_fresh=known.is_fresh,
        passkeys=passkeys.listed(session, known.account_id),
        passkeys_work=here(settings) is not None,
        sessions=sessions.listed(session, known),
        sign_ons=sign_ons.listed(session, known.account_id),
        device_passwords=device_passwords.listed(session, known.account_id),
        login=device_passwords.login_of(sealer, known.account_id),
        server=server_of(settings),
        **told(query.done, query.trouble),
    )


@devices.post("/sessions", SIGNED_IN, json=False)
def end_sessions(database: Database, caller: Caller, form: SessionForm) -> Response:
    """Sign out on one device, or everywhere else."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)

    def work(session: Session) -> None:
        if form.session:
            sessions.end(session, actor, known, form.session)
        else:
            sessions.end_others(session, actor, known.account_id, but=known.digest)

    return done(HERE, "session", lambda: database.run(work))


@devices.post("/sign-ons", SIGNED_IN, json=False)
def end_sign_on(database: Database, caller: Caller, form: SignOnForm) -> Response:
    """Sign out of one system."""
    account_id = session_of(caller).account_id
    actor = visits.visit_of(caller).actor(account_id)
    return done(
        HERE,
        "sign-on",
        lambda: database.run(lambda s: signing_off.end(s, actor, account_id, form.system)),
    )


@devices.post("/passkeys/name", SIGNED_IN, json=False)
def rename_passkey(database: Database, caller: Caller, form: PasskeyForm) -> Response:
    """Call a passkey something else."""
    account_id = session_of(caller).account_id
    actor = visits.visit_of(caller).actor(account_id)

    def do() -> None:
        label = wording.line(form.label, "label", LONGEST_LABEL)
        database.run(lambda s: passkeys.rename(s, actor, account_id, form.passkey, label))

    return done(HERE, "passkey-renamed", do)


@devices.post("/passkeys/remove", SIGNED_IN, json=False)
def remove_passkey(database: Database, caller: Caller, form: PasskeyForm) -> Response:
    """Take a passkey away."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    return done(
        HERE,
        "passkey-removed",
        lambda: database.run(lambda s: passkeys.remove(s, actor, known, form.passkey)),
    )


@devices.post("/passwords", SIGNED_IN, json=False)
def make_password(
    database: Database,
    site: Site,
    settings: Settings,
    forms: Forms,
    sealer: Sealer,
    caller: Caller,
    form: MakeForm,
) -> Response:
    """Make a device password: shows it, this once."""
    visit, known = visits.visit_of(caller), session_of(caller)
    scopes = [scope for scope in DeviceScope if getattr(form, scope)]
    try:
        label = wording.line(form.label, "label", LONGEST_LABEL)
        made = database.run(lambda s: device_passwords.make(s, sealer, visit, known, label, scopes))
    except KaijuanError as error:
        return refused(HERE, error)
    said: dict[str, Any] = {
        "made": made,
        "label": label,
        "scopes": scopes,
        "server": server_of(settings),
    }
    return shown(site, forms, "device_password.html", **said)


@devices.post("/passwords/revoke", SIGNED_IN, json=False)
def revoke_password(database: Database, caller: Caller, form: RevokeForm) -> Response:
    """Take a device password away."""
    account_id = session_of(caller).account_id
    actor = visits.visit_of(caller).actor(account_id)
    return done(
        HERE,
        "device-password-revoked",
        lambda: database.run(
            lambda s: device_passwords.revoke(s, actor, account_id, form.password)
        ),
    )


def server_of(settings: Settings) -> str:
    """What KOReader is told as its sync server."""
    return f"{settings.public_url or ''}/kosync"
