"""Children, their guardians, and the teen mode (青少年模式)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.errors import Fault, InvalidError
from app.identity import handles
from app.identity.callers import session_of
from app.identity.handles import HandleKind
from app.identity.people import AccountId
from app.identity.policies import Clock
from app.identity.queries import minors
from app.identity.routes import visits
from app.identity.routes.bodies import CodeText, HandleText, Ticket, TicketText
from app.identity.services import codes
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entrance
from app.identity.services.family import Family, Shown
from app.identity.teen import Minutes, Teen, TeenRules
from app.permissions import Caller, Permission
from app.web.api import Endpoints

family = Endpoints("identity.family", "/api/v1/me")
SIGNED_IN = Permission.SIGNED_IN
VersionText = Annotated[str, Meta(max_length=16)]


class Born(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The year of birth; it is kept of minors only."""

    year: Annotated[int, Meta(ge=1900, le=2100)]


class GuardianState(msgspec.Struct, frozen=True, omit_defaults=True):
    """``needed`` while a guardian has still to consent; ``phone`` is theirs, masked."""

    minor: bool
    child: bool = False
    needed: bool = False
    phone: str = ""
    by_account: bool = False
    consented_at: str | None = None


class Invitation(msgspec.Struct, frozen=True):
    """A code for a guardian with a verified account, for a day. It is shown this once."""

    code: str


class InvitationShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that the child was shown, and the version of the text that is consented to."""

    code: Annotated[str, Meta(min_length=8, max_length=40)]
    agreed: VersionText


class GuardianPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phone of a guardian without an account."""

    phone: HandleText


class GuardianConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that came to the guardian's phone, and the version of the text."""

    ticket: TicketText
    code: CodeText
    agreed: VersionText


class GuardianCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that came to the guardian's phone."""

    ticket: TicketText
    code: CodeText


class TeenModeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours (UTC+8) and minutes of a day; off without any. With a code, as the guardian."""

    opens: Clock | None = None
    closes: Clock | None = None
    minutes: Minutes | None = None
    ticket: TicketText | None = None
    code: CodeText | None = None


class TeenState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mode, and how many minutes of today are used."""

    on: bool
    by_guardian: bool = False
    opens: str | None = None
    closes: str | None = None
    minutes: int | None = None
    used: int = 0


class WardItem(msgspec.Struct, frozen=True):
    """A child whose guardian one is."""

    account: str
    name: str
    consented_at: str | None


class WardList(msgspec.Struct, frozen=True):
    """The children whose guardian one is."""

    items: list[WardItem]
    next: None = None


@family.get("/guardian", SIGNED_IN)
def show(session: Session, caller: Caller, family: Family) -> GuardianState:
    """Whether one is a minor, and who consented."""
    found = family.childhood(session, session_of(caller).account_id)
    if found is None:
        return GuardianState(minor=False)
    return GuardianState(
        minor=True,
        child=found.is_child,
        needed=found.waits,
        phone=found.guardian,
        by_account=found.by_account,
        consented_at=rfc3339(found.consented_at) if found.consented_at else None,
    )


@family.put("/birth-year", SIGNED_IN)
def state(caller: Caller, family: Family, body: Born) -> None:
    """Say the year in which one was born; it is kept of minors only, and said once."""
    family.say_year(visits.visit_of(caller), session_of(caller), body.year)


@family.post("/guardian/invitation", SIGNED_IN, status=201, problems=(404,))
def invite(caller: Caller, family: Family) -> Invitation:
    """A code by which a guardian with a verified account finds this one."""
    return Invitation(family.invite(visits.visit_of(caller), session_of(caller)))


@family.post("/guardian/codes", SIGNED_IN, status=202, problems=(429,))
def ask(entrance: Entrance, caller: Caller, body: GuardianPhone) -> Ticket:
    """Have a code be sent to the guardian's phone."""
    handle = phone_of(body.phone)
    visit, known = visits.visit_of(caller), session_of(caller)
    ticket = entrance.ask(visit, Purpose.GUARDIAN, handle, known.account_id)
    return Ticket(ticket, int(codes.LIFE.total_seconds()))


@family.put("/guardian", SIGNED_IN, problems=(404, 409, 429))
def consent(caller: Caller, family: Family, body: GuardianConsent) -> None:
    """Consent as the guardian, with the code that came to the phone."""
    shown = Shown(body.ticket, body.code)
    family.consent(visits.visit_of(caller), session_of(caller), shown, body.agreed)


@family.post("/guardian/withdrawal", SIGNED_IN, status=204, problems=(403, 404, 429))
def withdraw(caller: Caller, family: Family, body: GuardianCode) -> None:
    """Take the consent back as the guardian, with a code that came to the same phone."""
    shown = Shown(body.ticket, body.code)
    family.withdraw(visits.visit_of(caller), session_of(caller), shown)


@family.get("/teen-mode", SIGNED_IN)
def show_teen_mode(session: Session, caller: Caller, family: Family) -> TeenState:
    """The teen mode of one's account, and how much of today is used."""
    return told(family.teen(session, session_of(caller).account_id))


@family.put("/teen-mode", SIGNED_IN, problems=(403, 404, 429))
def set_teen_mode(
    database: Database, caller: Caller, family: Family, body: TeenModeChange
) -> TeenState:
    """Set the teen mode, or end it; as the guardian with a code of theirs.

    What a guardian set only the guardian changes. Asks to have signed in a moment ago.
    """
    known = session_of(caller)
    shown = Shown(body.ticket, body.code) if body.ticket and body.code else None
    rules = TeenRules(body.opens, body.closes, body.minutes)
    family.set_teen_mode(visits.visit_of(caller), known, rules, shown)
    with database.transaction(writes=False) as session:
        return told(family.teen(session, known.account_id))


@family.get("/wards", SIGNED_IN)
def list_wards(session: Session, caller: Caller) -> WardList:
    """The children whose guardian one is."""
    return WardList([
        WardItem(
            account=minor.account_id,
            name=name,
            consented_at=rfc3339(minor.consented_at) if minor.consented_at else None,
        )
        for minor, name in minors.wards(session, session_of(caller).account_id)
    ])  # fmt: skip


@family.post("/wards", SIGNED_IN, status=201, problems=(403, 409, 429))
def add_ward(database: Database, caller: Caller, family: Family, body: InvitationShown) -> WardList:
    """Consent as the guardian of the child that showed this code."""
    known = session_of(caller)
    family.accept(visits.visit_of(caller), known, body.code, body.agreed)
    with database.transaction(writes=False) as session:
        found: WardList = list_wards(session, caller)
        return found


@family.delete("/wards/<account_id>", SIGNED_IN)
def remove_ward(caller: Caller, family: Family, account_id: AccountId) -> None:
    """Take the consent for a child back."""
    family.withdraw_as_guardian(visits.visit_of(caller), session_of(caller), account_id)


@family.put("/wards/<account_id>/teen-mode", SIGNED_IN)
def set_wards_mode(caller: Caller, family: Family, account_id: AccountId, body: TeenRules) -> None:
    """Set the teen mode of a child, or end it, as its guardian."""
    family.set_wards_mode(visits.visit_of(caller), session_of(caller), account_id, body)


def told(teen: Teen | None) -> TeenState:
    """The mode as it is sent."""
    if teen is None:
        return TeenState(on=False)
    rules = teen.rules
    hours = (rules.opens, rules.closes, rules.minutes)
    return TeenState(True, teen.by_guardian, *hours, teen.used)


def phone_of(text: str) -> handles.Handle:
    """The phone that was written.

    :raises InvalidError: for anything else.
    """
    handle = handles.normal(text)
    if handle.kind is not HandleKind.PHONE:
        raise InvalidError(Fault("phone", "handle-invalid", "a mobile number"))
    return handle
