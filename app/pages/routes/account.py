"""The page of one's own account, and what its forms do."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.errors import KaijuanError
from app.identity import handles, wording
from app.identity.callers import known_of, session_of
from app.identity.routes import visits
from app.identity.routes.accounts import LONGEST_NAME
from app.identity.services import closing, describing, keeping, second_factor, sessions
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entrance
from app.pages.doing import done, refused, shown, told
from app.pages.render import Site, link, onwards_to
from app.pages.routes.entering import ConfirmQuery
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

account = Endpoints("pages.account")
SIGNED_IN = Permission.SIGNED_IN
HERE = "/account"
Text = Annotated[str, Meta(max_length=500)]


class AccountQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before."""

    done: Text = ""
    trouble: Text = ""


class NoForm(msgspec.Struct, frozen=True):
    """A button."""


class NameForm(msgspec.Struct, frozen=True):
    """What one is called."""

    name: Text = ""


class PasswordForm(msgspec.Struct, frozen=True):
    """The password until now, where there is one, and the next."""

    password: Text = ""
    old: Text = ""


class HandleForm(msgspec.Struct, frozen=True):
    """A phone number or address, or the id of one."""

    handle: Text = ""


class CodeForm(msgspec.Struct, frozen=True):
    """A code, with the ticket of one that was sent."""

    code: Text = ""
    ticket: Text = ""
    to: Text = ""


@account.get(HERE, Permission.PUBLIC, json=False)
def show(
    session: Session, site: Site, forms: Forms, caller: Caller, query: AccountQuery
) -> Response:
    """One's own account."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    known = known_of(caller)
    return shown(
        site,
        forms,
        "account.html",
        me=describing.me(session, known),
        has_power=second_factor.has_power(known),
        has_passkey=known.has_passkey,
        has_password=keeping.password(session, known.account_id) is not None,
        **told(query.done, query.trouble),
    )


@account.post("/sign-out", Permission.PUBLIC, json=False)
def sign_out(session: Session, caller: Caller, forms: Forms) -> Response:
    """Sign out."""
    forms.read(NoForm)
    if old := visits.visit_of(caller).session:
        sessions.sign_out(session, old)
    visits.forget()
    return onwards_to("/")


@account.post(HERE + "/name", SIGNED_IN, json=False)
def rename(session: Session, caller: Caller, form: NameForm) -> Response:
    """Be called something else."""

    def do() -> None:
        name = wording.line(form.name, "name", LONGEST_NAME)
        keeping.rename(session, session_of(caller).account_id, name)

    return done(HERE, "name", do)


@account.post(HERE + "/password", SIGNED_IN, json=False, problems=(429,))
def change_password(entrance: Entrance, caller: Caller, form: PasswordForm) -> Response:
    """Set another password."""
    visit, known = visits.visit_of(caller), session_of(caller)
    return done(
        HERE,
        "password",
        lambda: visits.keep(entrance.change_password(visit, known, form.old, form.password)),
    )


@account.post(HERE + "/handles", SIGNED_IN, json=False, problems=(429,))
def ask(entrance: Entrance, caller: Caller, form: HandleForm) -> Response:
    """Have a code be sent to what is to be added."""
    visit, known = visits.visit_of(caller), session_of(caller)
    try:
        sessions.require_fresh(known)
        handle = handles.normal(form.handle)
        ticket = entrance.ask(visit, Purpose.ADD, handle, known.account_id)
    except KaijuanError as error:
        return refused(HERE, error)
    return onwards_to(link(HERE + "/handles/confirm", ticket=ticket, to=handle.mask))


@account.get(HERE + "/handles/confirm", SIGNED_IN, json=False)
def show_code(site: Site, forms: Forms, query: ConfirmQuery) -> Response:
    """Where the code is shown."""
    return shown(site, forms, "add_handle.html", ticket=query.ticket, to=query.to, trouble=None)


@account.post(HERE + "/handles/confirm", SIGNED_IN, json=False, problems=(429,))
def add_handle(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: CodeForm
) -> Response:
    """Add what the code was sent to."""
    visit, known = visits.visit_of(caller), session_of(caller)
    try:
        entrance.add_handle(visit, known, form.ticket, form.code)
    except KaijuanError as error:
        said = {"ticket": form.ticket, "to": form.to, "trouble": trouble_of(error)}
        return shown(site, forms, "add_handle.html", status_of(error), **said)
    return onwards_to(link(HERE, done="handle"))


@account.post(HERE + "/handles/remove", SIGNED_IN, json=False)
def remove_handle(database: Database, caller: Caller, form: HandleForm) -> Response:
    """Take a phone, address or card away."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)

    def do() -> None:
        sessions.require_fresh(known)
        database.run(lambda s: keeping.remove_handle(s, actor, known.account_id, form.handle))

    return done(HERE, "handle-removed", do)


@account.post(HERE + "/second-factor", SIGNED_IN, json=False)
def begin_factor(site: Site, forms: Forms, entrance: Entrance, caller: Caller) -> Response:
    """Begin to set up a second factor: shows its key."""
    forms.read(NoForm)
    try:
        enrolment = entrance.begin_factor(session_of(caller))
    except KaijuanError as error:
        return refused(HERE, error)
    return shown(site, forms, "factor_key.html", enrolment=enrolment)


@account.post(HERE + "/second-factor/confirm", SIGNED_IN, json=False, problems=(429,))
def confirm_factor(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: CodeForm
) -> Response:
    """Turn the second factor on: shows the recovery codes."""
    try:
        recovery, entered = entrance.enrol(visits.visit_of(caller), session_of(caller), form.code)
    except KaijuanError as error:
        return refused(HERE, error)
    visits.keep(entered)
    return shown(site, forms, "recovery_codes.html", codes=recovery)


@account.post(HERE + "/second-factor/remove", SIGNED_IN, json=False, problems=(429,))
def remove_factor(entrance: Entrance, caller: Caller, form: CodeForm) -> Response:
    """Take the second factor away."""
    visit, known = visits.visit_of(caller), session_of(caller)
    return done(HERE, "factor-removed", lambda: entrance.remove_factor(visit, known, form.code))


@account.post(HERE + "/closing", SIGNED_IN, json=False)
def close(database: Database, site: Site, forms: Forms, caller: Caller) -> Response:
    """Close the account in fifteen days."""
    forms.read(NoForm)
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    try:
        closed = database.run(lambda s: closing.ask(s, actor, known))
    except KaijuanError as error:
        return refused(HERE, error)
    visits.forget()
    day = rfc3339(closed.closing_at or closed.added_at)[:10]
    return shown(site, forms, "closing.html", day=day)
