"""Signing in by a link, a password or a code, the second step, and signing out."""

from __future__ import annotations

from flask import request
from sqlalchemy.orm import Session

from app.database import Database
from app.identity import accounts, handles
from app.identity.callers import COOKIE, session_of
from app.identity.routes import visits
from app.identity.routes.bodies import CodeShown, FactorCode, PasswordSignIn, SignInLink
from app.identity.schemas import Me
from app.identity.services import describing
from app.identity.services.entering import Entered, Entrance
from app.identity.services.sessions import sign_out
from app.permissions import Caller, Permission
from app.web.api import Endpoints

sessions = Endpoints("identity.sessions", "/api/v1/session")


@sessions.post("", Permission.PUBLIC, status=201, problems=(429,))
def begin(database: Database, entrance: Entrance, caller: Caller, body: SignInLink) -> Me:
    """Trade a sign-in link that works once for a session cookie."""
    return answer(database, entrance.by_link(visits.visit_of(caller), body.secret))


@sessions.post("/password", Permission.PUBLIC, status=201, problems=(429,))
def begin_by_password(
    database: Database, entrance: Entrance, caller: Caller, body: PasswordSignIn
) -> Me:
    """Sign in by a password.

    The session stands in a cookie. Where ``second_factor`` is ``asked``, nobody is signed in
    until it was shown, within ten minutes.
    """
    handle = handles.normal(body.handle, body.library)
    return answer(database, entrance.by_password(visits.visit_of(caller), handle, body.password))


@sessions.post("/code", Permission.PUBLIC, status=201, problems=(429,))
def begin_by_code(database: Database, entrance: Entrance, caller: Caller, body: CodeShown) -> Me:
    """Sign in by a code that was sent."""
    return answer(database, entrance.by_code(visits.visit_of(caller), body.ticket, body.code))


@sessions.post("/second-factor", Permission.PUBLIC, status=201, problems=(429,))
def step_up(database: Database, entrance: Entrance, caller: Caller, body: FactorCode) -> Me:
    """Show the second factor."""
    visit = visits.visit_of(caller)
    return answer(database, entrance.step_up(visit, session_of(caller), body.code))


@sessions.delete("", Permission.SIGNED_IN)
def end(session: Session) -> None:
    """Sign out."""
    sign_out(session, request.cookies.get(COOKIE, ""))
    visits.forget()


def answer(database: Database, entered: Entered) -> Me:
    """Who came in; their browser is handed the session."""
    visits.keep(entered)
    with database.transaction(writes=False) as session:
        return describing.me(session, accounts.find(session, entered.secret, "session"))
