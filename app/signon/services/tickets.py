"""The tickets of CAS: made, looked at, spent (CAS Protocol 3.0.3 §3). Only digests are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import ascii_letters, digits
from typing import Any

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ForbiddenError
from app.identity import accounts
from app.identity.accounts import IDLE, SHOWN, Known
from app.identity.models import Account, Credential
from app.identity.services import audit, second_factor, sessions
from app.identity.services.audit import Actor
from app.signon.models import Ticket

LIFE = timedelta(seconds=60)
"""Of service and proxy tickets: a browser, or a system, is on its way with them."""
GRANTING_LIFE = timedelta(hours=8)
"""Of proxy-granting tickets, while the session goes on: a day's work."""
_CHARACTERS = ascii_letters + digits
_LENGTHS = {"ST-": 29, "PT-": 29, "PGT-": 60, "PGTIOU-": 57}
"""Systems must take tickets of 32 and of 64 characters (§3.1.1, §3.3.1): 172 bits and more."""
_CHAIN = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Person:
    """Who a live session stands for, and which it is."""

    session_id: str
    account_id: str
    signed_in_at: datetime
    """When credentials were last shown."""
    name: str
    home_id: str | None
    assurance: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a ticket stood for."""

    kind: str
    client_id: str
    session_id: str
    service: str
    is_new_login: bool
    proxies: tuple[str, ...]


def for_service(
    session: Session,
    actor: Actor,
    known: Known,
    client_id: str,
    service: str,
    *,
    is_new_login: bool,
) -> str:
    """A ticket of this session for the service at this very address.

    :raises UnauthenticatedError: when the session has ended meanwhile.
    :raises ForbiddenError: for a suspended account, or while the second factor is to be shown.
    """
    found = person(session, sessions.named(session, known))
    if found is None:
        raise ForbiddenError("account-suspended", "This account cannot be signed on elsewhere now.")
    about = (f"account:{found.account_id}", found.home_id)
    audit.note(session, actor, "client.signed-on", *about, client=client_id)
    return add(session, random("ST-"), found, client_id, service, is_new_login=is_new_login)


def add(
    session: Session,
    secret: str,
    person: Person,
    client_id: str,
    service: str = "",
    *,
    is_new_login: bool = False,
    proxies: tuple[str, ...] = (),
) -> str:
    """Makes a ticket of :func:`random` good: of its kind, for this client and address."""
    kind, at = _KINDS[secret.partition("-")[0]], now()
    session.add(
        Ticket(
            digest=accounts.digest(secret),
            kind=kind,
            client_id=client_id,
            account_id=person.account_id,
            session_id=person.session_id,
            service=service,
            is_new_login=is_new_login,
            proxies=msgspec.json.encode(proxies),
            made_at=at,
            expires_at=at + (GRANTING_LIFE if kind == "granting" else LIFE),
        )
    )
    session.flush()
    return secret


def random(prefix: str) -> str:
    """Letters and digits that nobody guesses (§3.7)."""
    return prefix + "".join(secrets.choice(_CHARACTERS) for _ in range(_LENGTHS[prefix]))


def spend(session: Session, secret: str) -> Spent | None:
    """What a service or proxy ticket stood for; it is gone, whatever comes of it (§3.1.1)."""
    mine = delete(Ticket).where(
        Ticket.digest == accounts.digest(secret), Ticket.kind.in_(("service", "proxy"))
    )
    row = session.execute(mine.returning(*_COLUMNS, Ticket.expires_at)).first()
    return _spent(row) if row is not None and row.expires_at > now() else None


def granting(session: Session, secret: str) -> Spent | None:
    """What a proxy-granting ticket stands for; it stays good."""
    wanted = select(*_COLUMNS).where(
        Ticket.digest == accounts.digest(secret),
        Ticket.kind == "granting",
        Ticket.expires_at > now(),
    )
    row = session.execute(wanted).first()
    return _spent(row) if row is not None else None


def person(session: Session, session_id: str) -> Person | None:
    """Who a live session stands for, while the account is open; held until the transaction ends.

    Nobody where the second factor is still to be shown.
    """
    at = now()
    wanted = (
        select(Credential.account_id, Credential.made_at, Credential.methods)
        .add_columns(Account.name, Account.home_id, Account.assurance)
        .join(Account, Account.id == Credential.account_id)
        .where(
            Credential.id == session_id,
            Credential.kind == "session",
            Credential.expires_at > at,
            func.coalesce(Credential.seen_at, Credential.expires_at) > at - IDLE,
            Account.closed_at.is_(None),
            Account.closing_at.is_(None),
            Account.suspended_at.is_(None),
        )
        .with_for_update(read=True, key_share=True, of=Credential)
    )
    row = session.execute(wanted).first()
    if row is None:
        return None
    is_shown = not SHOWN.isdisjoint(row.methods.split(","))
    if not is_shown and second_factor.is_on(session, row.account_id):
        return None
    return Person(session_id, row.account_id, row.made_at, row.name, row.home_id, row.assurance)


def end_all(session: Session, account_id: str, client_id: str) -> None:
    """Ends what a system holds of an account: it proxies nothing any more."""
    mine = delete(Ticket).where(Ticket.account_id == account_id, Ticket.client_id == client_id)
    session.execute(mine)


def purge(session: Session) -> None:
    """Forgets the tickets that have expired."""
    session.execute(delete(Ticket).where(Ticket.expires_at < now()))


_COLUMNS = (
    Ticket.kind, Ticket.client_id, Ticket.session_id, Ticket.service, Ticket.is_new_login,
    Ticket.proxies,
)  # fmt: skip
_KINDS = {"ST": "service", "PT": "proxy", "PGT": "granting"}


def _spent(row: Any) -> Spent:
    return Spent(
        row.kind,
        row.client_id,
        row.session_id,
        row.service,
        row.is_new_login,
        _CHAIN.decode(row.proxies),
    )
