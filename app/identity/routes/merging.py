"""Merging another account of one's own into the one that is signed in."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database
from app.identity import handles
from app.identity.callers import known_of, session_of
from app.identity.routes import visits
from app.identity.routes.bodies import CodeText, HandleText, PasswordText, Ticket, TicketText
from app.identity.schemas import Me
from app.identity.services import codes, describing, proving
from app.identity.services import merging as services
from app.identity.services.entering import Entrance
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Endpoints

merging = Endpoints("identity.merging", "/api/v1/me/merging")
SIGNED_IN = Permission.SIGNED_IN
FactorText = Annotated[str, Meta(max_length=40)]


class OtherHandle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number or address of the other account."""

    handle: HandleText


class OtherPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the other account is signed in to by; ``factor`` where it has a second factor."""

    handle: HandleText
    password: PasswordText
    library: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    factor: FactorText = ""


class OtherCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code that was sent to the other account; ``factor`` where it has a second factor."""

    ticket: TicketText
    code: CodeText
    factor: FactorText = ""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That both accounts are yours, as it was answered."""

    proof: Annotated[str, Meta(min_length=20, max_length=500)]


class MergePlan(msgspec.Struct, frozen=True):
    """What merging would do, by kind and number. It cannot be taken back.

    ``doubled`` is what both have: what this account has stands. ``refusals`` say why nothing would
    be merged: same, suspended, kind, grants (the other has roles), minors (one is a child's),
    two-persons (both have a verified real name).
    """

    proof: str
    name: str
    handles: list[str]
    """Masked."""
    moved: dict[str, int]
    ended: dict[str, int]
    doubled: dict[str, int]
    home: str | None
    """The library that is no longer one's own, where both have one."""
    refusals: list[str]


@merging.post("/codes", SIGNED_IN, status=202, problems=(429,))
def ask(entrance: Entrance, caller: Caller, body: OtherHandle) -> Ticket:
    """Have a code be sent to a phone or address of the other account.

    Asks to have signed in a moment ago. The answer is the same whether there is an account or not.
    """
    handle, known = handles.normal(body.handle), session_of(caller)
    ticket = proving.ask(entrance, visits.visit_of(caller), known, handle)
    return Ticket(ticket, int(codes.LIFE.total_seconds()))


@merging.post("/password", SIGNED_IN, problems=(409, 429))
def by_password(
    database: Database, entrance: Entrance, caller: Caller, body: OtherPassword
) -> MergePlan:
    """Show that another account is yours, by its password; answers what merging would do."""
    handle, visit = handles.normal(body.handle, body.library), visits.visit_of(caller)
    known = session_of(caller)
    proof = proving.by_password(entrance, visit, known, handle, body.password, body.factor)
    return _planned(database, entrance, caller, proof)


@merging.post("/code", SIGNED_IN, problems=(409, 429))
def by_code(database: Database, entrance: Entrance, caller: Caller, body: OtherCode) -> MergePlan:
    """Show that another account is yours, by a code; answers what merging would do."""
    visit, known = visits.visit_of(caller), session_of(caller)
    proof = proving.by_code(entrance, visit, known, body.ticket, body.code, body.factor)
    return _planned(database, entrance, caller, proof)


@merging.post("", SIGNED_IN, problems=(409,))
def merge(session: Session, entrance: Entrance, caller: Caller, sealer: Sealer, body: Proof) -> Me:
    """Merge the other account into this one. It cannot be taken back.

    What it is signed in to by moves here; its password, second factor, passkeys and sessions end.
    """
    known = session_of(caller)
    other = proving.opened(entrance, known, body.proof)
    actor = visits.visit_of(caller).actor(known.account_id)
    services.merge(session, sealer, actor, known, other)
    return describing.me(session, known_of(caller))


def _planned(database: Database, entrance: Entrance, caller: Caller, proof: str) -> MergePlan:
    known = session_of(caller)
    other = proving.opened(entrance, known, proof)
    with database.transaction(writes=False) as session:
        plan = services.plan(session, known, other)
    return MergePlan(
        proof=proof,
        name=plan.name,
        handles=[one.mask for one in plan.handles],
        moved=plan.moved,
        ended=plan.ended,
        doubled=plan.doubled,
        home=plan.home,
        refusals=plan.refusals,
    )
