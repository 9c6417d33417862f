"""Sign-ons: where a session was signed on to, so that its end is told there.

However a session ends, by whatever statement, the database empties ``session_id`` of its sign-ons;
what is to be told is found by that alone, and forgotten once it was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.identity.accounts import Known
from app.identity.services import sessions
from app.signon.models import Client, SignOn

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class SignedOn:
    """A system that live sessions of an account are signed on to."""

    client_id: str
    name: str
    protocol: str
    sessions: int
    since: datetime
    last: datetime


def note(
    session: Session, known: Known, client_id: str, *, service: str = "", ticket: str = ""
) -> str:
    """Notes that the session is signed on to the client; answers the id of the sign-on.

    OpenID Connect has one for a session and client, whose id is the ``sid``. CAS has one for a
    ticket, with the ``service`` that it was made for.

    :raises UnauthenticatedError: when the session has ended meanwhile.
    """
    session_id = sessions.named(session, known)
    if not ticket:
        mine = select(SignOn.id).where(
            SignOn.session_id == session_id, SignOn.client_id == client_id, SignOn.ticket == ""
        )
        if found := session.scalar(mine.limit(1)):
            return found
    return add(session, session_id, known.account_id, client_id, service=service, ticket=ticket)


def add(
    session: Session,
    session_id: str,
    account_id: str,
    client_id: str,
    *,
    service: str = "",
    ticket: str = "",
) -> str:
    """As :func:`note`, of a session that the caller holds by its public id; always another one."""
    at = now()
    made = SignOn(
        id=random_id(),
        client_id=client_id,
        account_id=account_id,
        session_id=session_id,
        service=service,
        ticket=ticket,
        made_at=at,
        tell_at=at,
    )
    session.add(made)
    session.flush()
    return made.id


def listed(session: Session, account_id: str) -> list[SignedOn]:
    """The systems that the account is signed on to, the newest first; 100 at most."""
    last = func.max(SignOn.made_at).label("last")
    wanted = (
        select(Client.id, Client.name, Client.protocol)
        .add_columns(func.count(SignOn.session_id.distinct()), func.min(SignOn.made_at), last)
        .join(Client, Client.id == SignOn.client_id)
        .where(SignOn.account_id == account_id, SignOn.session_id.is_not(None))
        .group_by(Client.id, Client.name, Client.protocol)
        .order_by(last.desc(), Client.id)
        .limit(MOST_LISTED)
    )
    return [SignedOn(*row) for row in session.execute(wanted)]
