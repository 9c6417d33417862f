"""One's own account: name, handles, password, second factor, sessions, closing."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.identity import handles, wording
from app.identity.callers import known_of, session_of
from app.identity.routes import visits
from app.identity.routes.accounts import LONGEST_NAME
from app.identity.routes.bodies import (
    Closing,
    CodeShown,
    FactorCode,
    FactorKey,
    HandleWanted,
    NameChange,
    PasswordChange,
    RecoveryCodes,
    SessionItem,
    SessionList,
    Ticket,
)
from app.identity.routes.sessions import answer
from app.identity.schemas import Me
from app.identity.services import closing, codes, describing, keeping, sessions
from app.identity.services.codes import Purpose
from app.identity.services.entering import Entrance
from app.permissions import Caller, Permission
from app.web.api import Endpoints

me = Endpoints("identity.me", "/api/v1/me")
SIGNED_IN = Permission.SIGNED_IN


@me.get("", SIGNED_IN)
def show(session: Session, caller: Caller) -> Me:
    """Who is signed in."""
    return describing.me(session, known_of(caller))


@me.patch("", SIGNED_IN)
def rename(session: Session, caller: Caller, body: NameChange) -> Me:
    """Be called something else."""
    name = wording.line(body.name, "body.name", LONGEST_NAME)
    keeping.rename(session, session_of(caller).account_id, name)
    return describing.me(session, known_of(caller))


@me.put("/password", SIGNED_IN, problems=(429,))
def change_password(
    database: Database, entrance: Entrance, caller: Caller, body: PasswordChange
) -> Me:
    """Set another password; every other session ends."""
    visit, known = visits.visit_of(caller), session_of(caller)
    return answer(database, entrance.change_password(visit, known, body.old, body.password))


@me.post("/handles/codes", SIGNED_IN, status=202, problems=(429,))
def ask(entrance: Entrance, caller: Caller, body: HandleWanted) -> Ticket:
    """Have a code be sent to a phone or address that is to be added."""
    handle, visit = handles.normal(body.handle), visits.visit_of(caller)
    ticket = entrance.ask(visit, Purpose.ADD, handle, session_of(caller).account_id)
    return Ticket(ticket, int(codes.LIFE.total_seconds()))


@me.post("/handles", SIGNED_IN, status=201)
def add_handle(database: Database, entrance: Entrance, caller: Caller, body: CodeShown) -> Me:
    """Add the phone or address that the code was sent to; asks to have signed in a moment ago."""
    known = session_of(caller)
    entrance.add_handle(visits.visit_of(caller), known, body.ticket, body.code)
    with database.transaction(writes=False) as session:
        return describing.me(session, known)


@me.delete("/handles/<handle_id>", SIGNED_IN)
def remove_handle(session: Session, caller: Caller, handle_id: str) -> None:
    """Take a phone, address or card away; asks to have signed in a moment ago."""
    known = session_of(caller)
    sessions.require_fresh(known)
    actor = visits.visit_of(caller).actor(known.account_id)
    keeping.remove_handle(session, actor, known.account_id, handle_id)


@me.post("/second-factor", SIGNED_IN, status=201)
def begin_factor(entrance: Entrance, caller: Caller) -> FactorKey:
    """Begin to set up a second factor; it counts once a code of it was shown."""
    enrolment = entrance.begin_factor(session_of(caller))
    return FactorKey(enrolment.key, enrolment.uri)


@me.put("/second-factor", SIGNED_IN, problems=(429,))
def confirm_factor(entrance: Entrance, caller: Caller, body: FactorCode) -> RecoveryCodes:
    """Turn the second factor on by a code of it; answers the recovery codes."""
    recovery, entered = entrance.enrol(visits.visit_of(caller), session_of(caller), body.code)
    visits.keep(entered)
    return RecoveryCodes(recovery)


@me.post("/second-factor/removal", SIGNED_IN, status=204, problems=(429,))
def remove_factor(entrance: Entrance, caller: Caller, body: FactorCode) -> None:
    """Take the second factor away, by a code of it."""
    entrance.remove_factor(visits.visit_of(caller), session_of(caller), body.code)


@me.get("/sessions", SIGNED_IN)
def list_sessions(session: Session, caller: Caller) -> SessionList:
    """Where one is signed in."""
    return SessionList([
        SessionItem(
            id=one.id,
            device=one.device,
            network=one.network,
            methods=one.methods,
            made_at=rfc3339(one.made_at),
            seen_at=rfc3339(one.seen_at) if one.seen_at else None,
            expires_at=rfc3339(one.expires_at),
            current=one.is_this,
        )
        for one in sessions.listed(session, session_of(caller))
    ])  # fmt: skip


@me.delete("/sessions", SIGNED_IN)
def end_sessions(session: Session, caller: Caller) -> None:
    """Sign out everywhere else."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    sessions.end_others(session, actor, known.account_id, but=known.digest)


@me.delete("/sessions/<session_id>", SIGNED_IN)
def end_session(session: Session, caller: Caller, session_id: str) -> None:
    """Sign out on one device."""
    known = session_of(caller)
    sessions.end(session, visits.visit_of(caller).actor(known.account_id), known, session_id)


@me.post("/closing", SIGNED_IN, status=202)
def close(session: Session, caller: Caller) -> Closing:
    """Close the account in fifteen days; signing in before takes it back.

    Asks to have signed in a moment ago, and to have no roles.
    """
    known = session_of(caller)
    account = closing.ask(session, visits.visit_of(caller).actor(known.account_id), known)
    visits.forget()
    return Closing(rfc3339(account.closing_at or account.added_at))
