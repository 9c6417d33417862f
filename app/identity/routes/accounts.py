"""Codes that are sent, signing up, and recovering an account."""

from __future__ import annotations

from app.database import Database
from app.identity import handles, wording
from app.identity.routes import visits
from app.identity.routes.bodies import CodeWanted, NewAccount, Recovery, Ticket
from app.identity.routes.sessions import answer
from app.identity.schemas import Me
from app.identity.services import codes, consents
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entrance, Newcomer
from app.permissions import Caller, Permission
from app.web.api import Endpoints

accounts = Endpoints("identity.accounts", "/api/v1")
LONGEST_NAME = 64


@accounts.post("/codes", Permission.PUBLIC, status=202, problems=(429,))
def ask(entrance: Entrance, caller: Caller, body: CodeWanted) -> Ticket:
    """Have a code be sent to a phone or an e-mail address.

    The answer is the same whether there is an account or not. Codes asked for before are void.
    """
    handle = handles.normal(body.handle)
    ticket = entrance.ask(visits.visit_of(caller), Purpose(body.purpose), handle)
    return Ticket(ticket, int(codes.LIFE.total_seconds()))


@accounts.post("/accounts", Permission.PUBLIC, status=201, problems=(404, 429))
def sign_up(database: Database, entrance: Entrance, caller: Caller, body: NewAccount) -> Me:
    """Sign up with the code that was sent, and be signed in."""
    name = wording.line(body.name, "body.name", LONGEST_NAME)
    consents.require(body.agreed, "body.agreed")
    newcomer = Newcomer(name, body.password, body.library, body.agreed, body.born)
    visit = visits.visit_of(caller)
    return answer(database, entrance.sign_up(visit, body.ticket, body.code, newcomer))


@accounts.post("/recoveries", Permission.PUBLIC, status=201, problems=(429,))
def recover(database: Database, entrance: Entrance, caller: Caller, body: Recovery) -> Me:
    """Set another password with the code that was sent; every other session ends."""
    visit = visits.visit_of(caller)
    return answer(database, entrance.recover(visit, body.ticket, body.code, body.password))
