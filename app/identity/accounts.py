"""Accounts, their roles, and the secrets that stand for them.

Secrets are 256 random bits; only their BLAKE2b digests are kept.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id, read
from app.errors import ConflictError, Fault, InvalidError, NotFoundError, UnauthenticatedError
from app.identity import tree
from app.identity.models import Account, Authenticator, Credential, Grant, Passkey, TeenMode
from app.identity.names import name_key
from app.identity.queries.grants import held
from app.identity.roles import PERMISSIONS

SESSION_LIFE = timedelta(days=30)
IDLE = timedelta(days=14)
"""A session ends when it is not used for so long."""
PROOF_LIFE = timedelta(hours=12)
GRACE = timedelta(hours=1)
FRESH = timedelta(minutes=15)
LINK_LIFE = timedelta(hours=24)
TOKEN_LIFE = timedelta(days=365)
SHOWN = frozenset({"otp", "mfa"})
"""The methods that are a second factor: a code, or a passkey that made sure of its owner."""


def digest(secret: str) -> str:
    """How a secret is kept."""
    return blake2b(secret.encode(), digest_size=32).hexdigest()


def add_account(session: Session, name: str, *, kind: str = "person") -> Account:
    """A new account without any rights.

    :raises InvalidError: without a name.
    """
    if not name.strip():
        raise InvalidError(Fault("name", "missing", "an account needs a name"))
    account = Account(
        id=random_id(),
        name=name.strip(),
        name_key=name_key(name),
        kind=kind,
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


def issue(
    session: Session,
    account_id: str,
    kind: str,
    *,
    life: timedelta,
    label: str = "",
    methods: str = "",
    device: str = "",
    network: str = "",
    instead_of: str | None = None,
) -> str:
    """A new secret of this kind for the account; shown once, never again.

    ``methods`` say how a session was begun (RFC 8176); ``device`` and ``network`` from where.
    The one of the digest ``instead_of`` goes on under it, with its public id.
    """
    if session.get(Account, account_id) is None:
        raise NotFoundError("account", account_id)
    secret, at = secrets.token_urlsafe(32), now()
    row = session.get(Credential, instead_of) if instead_of else None
    if row is None:
        row = Credential(id=random_id(), kind=kind, account_id=account_id)
    row.digest, row.label, row.methods = digest(secret), label, methods
    row.device, row.address = device, network
    row.made_at, row.expires_at = at, at + life
    row.seen_at = at if kind == "session" else None
    session.add(row)
    session.flush()
    return secret


def require_open(session: Session, account_id: str) -> None:
    """That the account is open still. Ask when what is added to it was written.

    Whatever refers to an account waits while it is merged or closed, and learns of it here.

    :raises ConflictError: when it was closed meanwhile.
    """
    if session.scalar(select(Account.closed_at).where(Account.id == account_id)) is not None:
        raise ConflictError("This account was closed meanwhile.")


def use_link(session: Session, secret: str) -> str:
    """The account that a first sign-in link stands for; the link is gone afterwards.

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
    return spent


def rotate(session: Session, kept: str) -> str:
    """Another secret for the session of this digest, which goes on as it was.

    :raises UnauthenticatedError: when it has ended.
    """
    secret = secrets.token_urlsafe(32)
    mine = update(Credential).where(Credential.digest == kept).values(digest=digest(secret))
    if session.scalar(mine.returning(Credential.account_id)) is None:
        raise UnauthenticatedError
    return secret


def revoke(session: Session, secret: str) -> None:
    """Ends a session or token; ending it twice is fine."""
    session.execute(delete(Credential).where(Credential.digest == digest(secret)))


@dataclass(frozen=True, slots=True)
class Known:
    """An open account as a live secret stands for it.

    ``has_factor``: codes are asked for besides a password; ``has_passkey``: it has a passkey.
    ``methods``: how its session was begun.
    """

    account_id: str
    kind: str
    digest: str = field(repr=False)
    methods: frozenset[str]
    made_at: datetime
    seen_at: datetime | None
    expires_at: datetime
    has_factor: bool
    has_passkey: bool
    credential_id: str | None
    """The public id of the secret; none of a session that an earlier release began."""
    grants: tuple[tuple[str, str], ...] = ()
    may_be_teen: bool = True
    """Whether it is to be looked up if the account is in teen mode."""

    @property
    def is_half_open(self) -> bool:
        """Whether nobody is signed in yet: the second factor is still to be shown."""
        return self.kind == "session" and self.has_factor and SHOWN.isdisjoint(self.methods)

    @property
    def is_proven(self) -> bool:
        """Whether power over others counts: a system's token, or a second factor not long ago.

        Who came by a link has an hour to set one up (NIST SP 800-63B §4.2.3 for the twelve).
        """
        if self.kind == "token":
            return True
        age = now() - self.made_at
        if not SHOWN.isdisjoint(self.methods):
            return age < PROOF_LIFE
        has_any = self.has_factor or self.has_passkey
        return "link" in self.methods and not has_any and age < GRACE

    @property
    def is_fresh(self) -> bool:
        """Whether the person was there a moment ago, to change what guards the account."""
        return now() - self.made_at < FRESH


_FACTOR = (
    exists()
    .where(
        Authenticator.account_id == Account.id,
        Authenticator.kind == "totp",
        Authenticator.confirmed_at.is_not(None),
    )
    .label("has_factor")
)
_PASSKEY = (
    exists()
    .where(Passkey.account_id == Account.id, Passkey.cloned_at.is_(None))
    .label("has_passkey")
)
_TEEN = exists().where(TeenMode.account_id == Account.id).label("is_teen")
_FIND = (
    select(Account.id, Account.suspended_at, Credential.methods, Credential.made_at)
    .add_columns(
        Credential.seen_at, Credential.expires_at, Credential.id.label("credential_id"), _FACTOR
    )
    .add_columns(_PASSKEY, _TEEN)
    .join(Credential, Credential.account_id == Account.id)
    .where(
        Credential.digest == bindparam("digest"),
        Credential.kind == bindparam("kind"),
        Credential.expires_at > bindparam("at"),
        func.coalesce(Credential.seen_at, Credential.expires_at) > bindparam("idle_since"),
        Account.closed_at.is_(None),
    )
)


def find(session: Session, secret: str, kind: str) -> Known | None:
    """The open account that a live secret stands for, with its roles; a suspended one has none."""
    at, kept = now(), digest(secret)
    row = read(session, _FIND, digest=kept, kind=kind, at=at, idle_since=at - IDLE).first()
    if row is None:
        return None
    return Known(
        account_id=row.id,
        kind=kind,
        digest=kept,
        methods=frozenset(row.methods.split(",")),
        made_at=row.made_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        has_factor=row.has_factor,
        has_passkey=row.has_passkey,
        credential_id=row.credential_id,
        grants=() if row.suspended_at else tuple(held(session, row.id)),
        may_be_teen=row.is_teen,
    )
