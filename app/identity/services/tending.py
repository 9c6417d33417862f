"""Looking after accounts and tokens: which there are, and ending them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now, rfc3339
from app.errors import ConflictError, Fault, InvalidError, NotFoundError
from app.identity import accounts
from app.identity.models import Account, Credential, Grant
from app.identity.services import audit, homes
from app.identity.services.audit import SYSTEM

SHORT = 12
"""Characters of a secret's digest by which a token is named: it opens nothing."""


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token as it is listed; times are RFC 3339."""

    id: str
    label: str
    account: str
    made: str
    expires: str


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as it is listed; ``roles`` are written ``role@library``."""

    id: str
    name: str
    kind: str
    roles: list[str]
    added: str
    closed: str | None


def tokens(session: Session) -> list[TokenLine]:
    """The tokens there are, also those that have expired, the oldest first."""
    wanted = select(Credential).where(Credential.kind == "token").order_by(Credential.made_at)
    return [
        TokenLine(
            one.digest[:SHORT],
            one.label,
            one.account_id,
            rfc3339(one.made_at),
            rfc3339(one.expires_at),
        )
        for one in session.scalars(wanted)
    ]


def revoke(session: Session, short: str) -> None:
    """Ends the token of this short id.

    :raises InvalidError: for what is no short id. :raises NotFoundError: when there is none.
    """
    if len(short) != SHORT or not short.isalnum():
        raise InvalidError(Fault("token", "invalid", f"the {SHORT} characters of `token list`"))
    ended = delete(Credential).where(
        Credential.kind == "token", Credential.digest.startswith(short)
    )
    owners = session.scalars(ended.returning(Credential.account_id)).all()
    if not owners:
        raise NotFoundError("token", short)
    for owner in owners:
        audit.note(session, SYSTEM, "token.revoked", f"account:{owner}")


def listed(session: Session) -> list[AccountLine]:
    """The accounts that have a role, also those that are closed, the oldest first."""
    roles: dict[str, list[str]] = {}
    for grant in session.scalars(select(Grant).order_by(Grant.library_id, Grant.role)):
        roles.setdefault(grant.account_id, []).append(f"{grant.role}@{grant.library_id}")
    wanted = select(Account).where(Account.id.in_(list(roles)))
    wanted = wanted.order_by(Account.added_at, Account.id)
    return [
        AccountLine(
            one.id,
            one.name,
            one.kind,
            roles[one.id],
            rfc3339(one.added_at),
            rfc3339(one.closed_at) if one.closed_at else None,
        )
        for one in session.scalars(wanted)
    ]


def disable(session: Session, account_id: str) -> None:
    """Closes an account and ends its sessions, tokens and links; doing it again is fine.

    :raises NotFoundError: when there is none.
    """
    account = _account(session, account_id)
    session.execute(delete(Credential).where(Credential.account_id == account_id))
    if account.closed_at is None:
        home = account.home_id
        homes.settle(session, account, None, account.assurance)
        account.closed_at = now()
        account.version += 1
        audit.note(session, SYSTEM, "account.disabled", f"account:{account_id}", home)


def link(session: Session, account_id: str) -> str:
    """A new link that signs a person in once; the one before no longer does.

    :raises NotFoundError: when there is no such account.
    :raises ConflictError: when it is closed, or a system's.
    """
    account = _account(session, account_id)
    if account.closed_at is not None:
        raise ConflictError("This account is closed.")
    if account.kind != "person":
        raise ConflictError("Systems do not sign in by links. Add a token.")
    before = delete(Credential).where(
        Credential.account_id == account_id, Credential.kind == "link"
    )
    session.execute(before)
    audit.note(session, SYSTEM, "account.linked", f"account:{account_id}", account.home_id)
    return accounts.issue(session, account_id, "link", life=accounts.LINK_LIFE)


def _account(session: Session, account_id: str) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise NotFoundError("account", account_id)
    return account
