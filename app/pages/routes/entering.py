"""Pages for signing in, up and back in. They need no script, but for a link that works once."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from flask import Response, request
from msgspec import Meta

from app.database import Database
from app.errors import Fault, InvalidError, KaijuanError, UnauthenticatedError
from app.identity import handles, wording
from app.identity.callers import known_of, session_of
from app.identity.documents import DOCUMENTS, TO_SIGN_UP
from app.identity.routes import visits
from app.identity.routes.accounts import LONGEST_NAME
from app.identity.services import consents, device_passwords, passkeys
from app.identity.services.ceremonies import site_of
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entered, Entrance, Newcomer
from app.pages.render import Site, link, onwards_to, page, passed_on
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.signon.services.arriving import Arrivals
from app.web.api import Endpoints
from app.web.forms import Forms

entering = Endpoints("pages.entering")
PUBLIC = Permission.PUBLIC
Text = Annotated[str, Meta(max_length=500)]
Next = Annotated[str, Meta(max_length=6000)]
"""What another system asks of us may stand in it whole."""
PURPOSES = {
    "sign-in-by-code": Purpose.SIGN_IN,
    "sign-up": Purpose.SIGN_UP,
    "recover": Purpose.RECOVER,
}
VERSIONS = {str(one): DOCUMENTS[one].version for one in TO_SIGN_UP}
"""To what somebody agrees who comes the first time."""
AGREED = ".".join(VERSIONS.values())
"""What the box of the form stands for."""
ELSEWHERE = ("/cas/", "/oauth2/")
"""What begins so goes on to another system."""
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


class SignInQuery(msgspec.Struct, frozen=True):
    """Where to go on afterwards."""

    next: Next = "/"


class SignInForm(msgspec.Struct, frozen=True):
    """A handle and its password."""

    handle: Text = ""
    password: Text = ""
    library: Text = ""
    next: Next = "/"


class StepForm(msgspec.Struct, frozen=True):
    """A code of the second factor."""

    code: Text = ""
    next: Next = "/"


class AskForm(msgspec.Struct, frozen=True):
    """Where a code is to be sent."""

    handle: Text = ""
    next: Next = "/"


class ConfirmQuery(msgspec.Struct, frozen=True):
    """The ticket of the code, and where it went, masked."""

    ticket: Text = ""
    to: Text = ""
    next: Next = "/"


class ConfirmForm(msgspec.Struct, frozen=True):
    """The code, and what it is shown for."""

    ticket: Text = ""
    to: Text = ""
    code: Text = ""
    name: Text = ""
    password: Text = ""
    agreed: Text = ""
    born: Text = ""
    next: Next = "/"


def own_path(path: str) -> str:
    """The path, if it is one of ours: nobody is sent elsewhere from here."""
    return path if _OWN_PATH.fullmatch(path) else "/"


@entering.get("/sign-in", PUBLIC, json=False)
def sign_in(site: Site, forms: Forms, arrivals: Arrivals, query: SignInQuery) -> Response:
    """Signing in by a password, or by a link that works once."""
    return _signing_in(site, forms, arrivals, SignInForm(next=query.next))


@entering.post("/sign-in", PUBLIC, json=False, problems=(429,))
def by_password(
    site: Site,
    forms: Forms,
    entrance: Entrance,
    arrivals: Arrivals,
    caller: Caller,
    form: SignInForm,
) -> Response:
    """Sign in by a password."""
    try:
        handle = handles.normal(form.handle, form.library or None)
        entered = entrance.by_password(visits.visit_of(caller), handle, form.password)
    except KaijuanError as error:
        return _signing_in(site, forms, arrivals, form, error)
    return _inside(site, entered, form.next)


@entering.get("/sign-in/second-factor", PUBLIC, json=False)
def second_step(site: Site, forms: Forms, caller: Caller, query: SignInQuery) -> Response:
    """Where the second factor is shown."""
    try:
        known_of(caller)
    except UnauthenticatedError:
        return onwards_to(link("/sign-in", next=own_path(query.next)))
    return _shown(site, forms, "second_step.html", next=query.next)


@entering.post("/sign-in/second-factor", PUBLIC, json=False, problems=(429,))
def step_up(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: StepForm
) -> Response:
    """Show the second factor."""
    try:
        entered = entrance.step_up(visits.visit_of(caller), session_of(caller), form.code)
    except UnauthenticatedError:
        return onwards_to(link("/sign-in", next=own_path(form.next)))
    except KaijuanError as error:
        return _shown(site, forms, "second_step.html", error, next=form.next)
    return _inside(site, entered, form.next)


WAYS = "/<any('sign-in-by-code', 'sign-up', 'recover'):way>"
Way = Literal["sign-in-by-code", "sign-up", "recover"]


@entering.get(WAYS, PUBLIC, json=False)
def start(site: Site, forms: Forms, way: Way, query: SignInQuery) -> Response:
    """Where a phone number or address is said."""
    return _shown(site, forms, "ask_code.html", way=way, next=query.next, handle="")


@entering.post(WAYS, PUBLIC, json=False, problems=(429,))
def ask(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, way: Way, form: AskForm
) -> Response:
    """Have a code be sent."""
    try:
        handle = handles.normal(form.handle)
        ticket = entrance.ask(visits.visit_of(caller), PURPOSES[way], handle)
    except KaijuanError as error:
        return _shown(
            site, forms, "ask_code.html", error, way=way, next=form.next, handle=form.handle
        )
    onwards = link(f"/{way}/confirm", ticket=ticket, to=handle.mask, next=own_path(form.next))
    return onwards_to(onwards)


@entering.get(WAYS + "/confirm", PUBLIC, json=False)
def show_code(site: Site, forms: Forms, way: Way, query: ConfirmQuery) -> Response:
    """Where the code is shown."""
    return _confirming(site, forms, way, ConfirmForm(query.ticket, query.to, next=query.next))


@entering.post(WAYS + "/confirm", PUBLIC, json=False, problems=(429,))
def confirm(
    site: Site,
    forms: Forms,
    database: Database,
    entrance: Entrance,
    caller: Caller,
    way: Way,
    form: ConfirmForm,
) -> Response:
    """Come in with the code. Who recovers sees what else still opens the account."""
    try:
        entered = _confirmed(entrance, caller, PURPOSES[way], form)
    except KaijuanError as error:
        return _confirming(site, forms, way, form, error)
    if way == "recover" and _opens_otherwise(database, entered.account_id):
        return _inside(site, entered, link("/account/devices", done="recovered"))
    return _inside(site, entered, form.next)


def _opens_otherwise(database: Database, account_id: str) -> bool:
    """Whether a new password left anything by which somebody comes in."""
    with database.transaction(writes=False) as session:
        return bool(
            passkeys.listed(session, account_id) or device_passwords.listed(session, account_id)
        )


def _confirmed(entrance: Entrance, caller: Caller, purpose: Purpose, form: ConfirmForm) -> Entered:
    visit = visits.visit_of(caller)
    if purpose is Purpose.SIGN_UP:
        name = wording.line(form.name, "name", LONGEST_NAME)
        agreed, born = agreed_to(form.agreed), born_in(form.born)
        newcomer = Newcomer(name, form.password or None, None, agreed, born)
        return entrance.sign_up(visit, form.ticket, form.code, newcomer)
    if purpose is Purpose.RECOVER:
        return entrance.recover(visit, form.ticket, form.code, form.password)
    return entrance.by_code(visit, form.ticket, form.code)


def agreed_to(box: str) -> dict[str, str]:
    """To which versions somebody agreed by the one box of the form."""
    purposes = (purpose.value for purpose in TO_SIGN_UP)
    versions = dict(zip(purposes, box.split("."), strict=False))
    consents.require(versions, "agreed")
    return versions


def born_in(year: str) -> int | None:
    """The year that somebody wrote who is under eighteen."""
    if year and not year.isdecimal():
        raise InvalidError(Fault("born", "number-date", "a year, such as 2014"))
    return int(year) if year else None


def _confirming(
    site: Site, forms: Forms, way: Way, form: ConfirmForm, error: KaijuanError | None = None
) -> Response:
    said = {"ticket": form.ticket, "to": form.to, "next": form.next, "name": form.name}
    said |= {"born": form.born, "agreed": AGREED}
    return _shown(site, forms, "show_code.html", error, way=way, **said)


def _signing_in(
    site: Site,
    forms: Forms,
    arrivals: Arrivals,
    form: SignInForm,
    error: KaijuanError | None = None,
) -> Response:
    said: dict[str, Any] = {"next": form.next, "handle": form.handle, "library": form.library}
    said |= {"wechat": arrivals.wechat(), "versions": VERSIONS}
    return _shown(site, forms, "sign_in.html", error, **said)


def _inside(site: Site, entered: Entered, onwards: str) -> Response:
    """To where the person wanted to go, with the cookie of the session."""
    visits.keep(entered)
    path = own_path(onwards)
    if entered.is_half_open:
        path = link("/sign-in/second-factor", next=path)
    elif entered.consents_due:
        path = link("/account/consents", next=path)
    return passed_on(site, path) if path.startswith(ELSEWHERE) else onwards_to(path)


def _shown(
    site: Site, forms: Forms, template: str, error: KaijuanError | None = None, **shown: Any
) -> Response:
    shown["next"] = own_path(shown["next"])
    trouble = trouble_of(error) if error else None
    status = status_of(error) if error else 200
    shown["passkeys"] = site_of(site.public_url, request.host_url) is not None
    answer = page(site, template, status, token=forms.token(), trouble=trouble, **shown)
    answer.headers["Cache-Control"] = "no-store"
    return answer
