"""Accounts, their roles, and the secrets that stand for them.

Secrets are 256 random bits; only their BLAKE2b digests are kept.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import blake2b

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, Fault, InvalidError, NotFoundError, UnauthenticatedError
from app.identity import tree
from app.identity.models import Account, Credential, Grant
from app.identity.names import name_key
from app.identity.queries import grants
from app.identity.roles import PERMISSIONS

SESSION_LIFE = timedelta(days=14)
LINK_LIFE = timedelta(hours=24)
TOKEN_LIFE = timedelta(days=365)


def digest(secret: str) -> str:
    """How a secret is kept."""
    return blake2b(secret.encode(), digest_size=32).hexdigest()


def add_account(
    session: Session, name: str, *, kind: str = "person", email: str | None = None
) -> Account:
    """A new account without any rights.

    :raises InvalidError: without a name. :raises ConflictError: when the address is taken.
    """
    if not name.strip():
        raise InvalidError(Fault("name", "missing", "an account needs a name"))
    if email and session.scalar(select(Account.id).where(Account.email == email.lower())):
        raise ConflictError("There is an account with this address already.")
    account = Account(
        id=random_id(),
        name=name.strip(),
        name_key=name_key(name),
        kind=kind,
        email=email.lower() if email else None,
        added_at=now(),
    )
    session.add(account)
    session.flush()
    return account


def grant(session: Session, account_id: str, role: str, library_id: str) -> None:
    """Grants a role on a library and all below it; granting it again changes nothing.

    :raises InvalidError: for an unknown role.
    """
    if role not in PERMISSIONS:
        raise InvalidError(Fault("role", "unknown", "one of " + ", ".join(PERMISSIONS)))
    tree.get(session, library_id)
    session.merge(Grant(account_id=account_id, role=role, library_id=library_id))
    session.flush()


def issue(session: Session, account_id: str, kind: str, *, life: timedelta, label: str = "") -> str:
    """A new secret of this kind for the account; shown once, never again."""
    if session.get(Account, account_id) is None:
        raise NotFoundError("account", account_id)
    secret = secrets.token_urlsafe(32)
    session.add(
        Credential(
            digest=digest(secret),
            kind=kind,
            account_id=account_id,
            label=label,
            made_at=now(),
            expires_at=now() + life,
        )
    )
    session.flush()
    return secret


def use_link(session: Session, secret: str) -> str:
    """Trades a first sign-in link for a session; the link is gone afterwards.

    :raises UnauthenticatedError: when the link was used, has expired, or never was.
    """
    spent = session.execute(
        delete(Credential)
        .where(
            Credential.digest == digest(secret),
            Credential.kind == "link",
            Credential.expires_at > now(),
        )
        .returning(Credential.account_id)
    ).scalar()
    if spent is None:
        raise UnauthenticatedError("This link was used already, or has expired. Ask for a new one.")
    return issue(session, spent, "session", life=SESSION_LIFE)


def revoke(session: Session, secret: str) -> None:
    """Ends a session or token; ending it twice is fine."""
    session.execute(delete(Credential).where(Credential.digest == digest(secret)))


def find(session: Session, secret: str, kind: str) -> tuple[Account, list[tuple[str, str]]] | None:
    """The open account that a live secret stands for, with its (role, library path) pairs."""
    wanted = (
        select(Account)
        .join(Credential, Credential.account_id == Account.id)
        .where(
            Credential.digest == digest(secret),
            Credential.kind == kind,
            Credential.expires_at > now(),
            Account.closed_at.is_(None),
        )
    )
    account = session.scalar(wanted)
    if account is None:
        return None
    return account, grants.held(session, account.id)
