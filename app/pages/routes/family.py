"""The pages of children, guardians, and the teen mode (青少年模式)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.errors import KaijuanError
from app.identity.callers import session_of
from app.identity.documents import DOCUMENTS, Purpose
from app.identity.queries import minors
from app.identity.routes import visits
from app.identity.routes.family import phone_of
from app.identity.services import codes
from app.identity.services.entering import Entrance
from app.identity.services.family import Family, Shown
from app.identity.teen import TeenRules
from app.pages.doing import done, refused, shown, told
from app.pages.render import Site, link, onwards_to
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

family = Endpoints("pages.family")
HERE = "/account/family"
SIGNED_IN = Permission.SIGNED_IN
Text = Annotated[str, Meta(max_length=200)]
Clock = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")]
What = Literal["consent", "withdraw", "teen-mode"]
"""What a guardian without an account does with a code."""


class FamilyQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before."""

    done: Text = ""
    trouble: Text = ""


class BornForm(msgspec.Struct, frozen=True):
    """The year of birth."""

    born: Annotated[int, Meta(ge=1900, le=2100)] = 1900


class NoForm(msgspec.Struct, frozen=True):
    """A button."""


class PhoneForm(msgspec.Struct, frozen=True):
    """The guardian's phone, and what for."""

    what: What = "consent"
    handle: Text = ""


class CodeQuery(msgspec.Struct, frozen=True):
    """The ticket of the code, where it went, and what for."""

    what: What = "consent"
    ticket: Text = ""
    to: Text = ""
    trouble: Text = ""


class GuardianForm(msgspec.Struct, frozen=True):
    """The code, and what is decided with it."""

    what: What = "consent"
    ticket: Text = ""
    to: Text = ""
    code: Text = ""
    agreed: Text = ""
    opens: Clock = ""
    closes: Clock = ""
    minutes: Annotated[int, Meta(ge=5, le=1440)] | None = None


class TeenForm(msgspec.Struct, frozen=True):
    """Hours and minutes of a day; ``ward`` for a child's account."""

    opens: Clock = ""
    closes: Clock = ""
    minutes: Annotated[int, Meta(ge=5, le=1440)] | None = None
    ward: Text = ""


class WardForm(msgspec.Struct, frozen=True):
    """The code that the child was shown, or which child."""

    invitation: Text = ""
    agreed: Text = ""
    ward: Text = ""


@family.get(HERE, Permission.PUBLIC, json=False)
def show(
    session: Session, site: Site, forms: Forms, caller: Caller, family: Family, query: FamilyQuery
) -> Response:
    """Guardians, children, and the teen mode."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    account_id = session_of(caller).account_id
    wards = minors.wards(session, account_id)
    return shown(
        site,
        forms,
        "family.html",
        childhood=family.childhood(session, account_id),
        teen=family.teen(session, account_id),
        wards=[(minor, name, family.teen(session, minor.account_id)) for minor, name in wards],
        document=DOCUMENTS[Purpose.GUARDIAN],
        **told(query.done, query.trouble),
    )


@family.post(HERE + "/born", SIGNED_IN, json=False)
def state(caller: Caller, family: Family, form: BornForm) -> Response:
    """Say the year in which one was born."""
    visit, known = visits.visit_of(caller), session_of(caller)
    return done(HERE, "born", lambda: family.say_year(visit, known, form.born))


@family.post(HERE + "/invitation", SIGNED_IN, json=False)
def invite(site: Site, forms: Forms, caller: Caller, family: Family) -> Response:
    """Show a code by which a guardian with an account finds this one."""
    forms.read(NoForm)
    try:
        code = family.invite(visits.visit_of(caller), session_of(caller))
    except KaijuanError as error:
        return refused(HERE, error)
    return shown(site, forms, "invitation.html", code=code)


@family.post(HERE + "/phone", SIGNED_IN, json=False, problems=(429,))
def ask(entrance: Entrance, caller: Caller, form: PhoneForm) -> Response:
    """Have a code be sent to the guardian's phone."""
    visit, known = visits.visit_of(caller), session_of(caller)
    try:
        handle = phone_of(form.handle)
        ticket = entrance.ask(visit, codes.Purpose.GUARDIAN, handle, known.account_id)
    except KaijuanError as error:
        return refused(HERE, error)
    return onwards_to(link(HERE + "/guardian", what=form.what, ticket=ticket, to=handle.mask))


@family.get(HERE + "/guardian", SIGNED_IN, json=False)
def show_code(
    session: Session, site: Site, forms: Forms, caller: Caller, family: Family, query: CodeQuery
) -> Response:
    """Where the guardian shows the code."""
    teen = family.teen(session, session_of(caller).account_id)
    return shown(
        site,
        forms,
        "guardian.html",
        asked=query,
        rules=teen.rules if teen else TeenRules(),
        document=DOCUMENTS[Purpose.GUARDIAN],
        **told("", query.trouble),
    )


@family.post(HERE + "/guardian", SIGNED_IN, json=False, problems=(429,))
def decide(caller: Caller, family: Family, form: GuardianForm) -> Response:
    """Decide as the guardian, with the code that came to the phone."""
    visit, known, proof = visits.visit_of(caller), session_of(caller), Shown(form.ticket, form.code)
    rules = TeenRules(form.opens or None, form.closes or None, form.minutes)
    work = {
        "consent": lambda: family.consent(visit, known, proof, form.agreed),
        "withdraw": lambda: family.withdraw(visit, known, proof),
        "teen-mode": lambda: family.set_teen_mode(visit, known, rules, proof),
    }
    return done(HERE, f"family-{form.what}", work[form.what])


@family.post(HERE + "/teen-mode", SIGNED_IN, json=False)
def set_teen_mode(caller: Caller, family: Family, form: TeenForm) -> Response:
    """Set the teen mode, or end it: one's own, or a child's."""
    visit, known = visits.visit_of(caller), session_of(caller)
    rules = TeenRules(form.opens or None, form.closes or None, form.minutes)

    def do() -> None:
        if form.ward:
            family.set_wards_mode(visit, known, form.ward, rules)
        else:
            family.set_teen_mode(visit, known, rules, None)

    return done(HERE, "family-teen-mode", do)


@family.post(HERE + "/wards", SIGNED_IN, json=False, problems=(429,))
def add_ward(caller: Caller, family: Family, form: WardForm) -> Response:
    """Consent as the guardian of the child that showed this code."""
    visit, known = visits.visit_of(caller), session_of(caller)
    accept = form.invitation, form.agreed
    return done(HERE, "family-consent", lambda: family.accept(visit, known, *accept))


@family.post(HERE + "/wards/remove", SIGNED_IN, json=False)
def remove_ward(caller: Caller, family: Family, form: WardForm) -> Response:
    """Take the consent for a child back."""
    visit, known = visits.visit_of(caller), session_of(caller)
    withdraw = family.withdraw_as_guardian
    return done(HERE, "family-withdraw", lambda: withdraw(visit, known, form.ward))
