"""Asking in another's stead: what would be decided, if it were they who asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import NotFoundError
from app.identity.callers import KnownCaller
from app.identity.queries import grants, policies
from app.permissions import Caller, Permission


def as_if(session: Session, account_id: str | None, address: str, at: datetime) -> KnownCaller:
    """A caller with this account and address; an account that is over has no roles."""
    standing = policies.standing(session, account_id, at) if account_id else None
    if account_id is None or standing is None or standing.is_closed:
        return KnownCaller(address, account_id)
    return KnownCaller(address, account_id, tuple(grants.held(session, account_id)))


def require_reader_of(session: Session, caller: Caller, account_id: str, at: datetime) -> None:
    """That the account is the caller's own, or of a reader whom they may see.

    :raises NotFoundError: when it is not, or there is none.
    """
    standing = policies.standing(session, account_id, at)
    is_seen = (
        standing is not None
        and standing.home != ""
        and caller.may(Permission.SEE_READERS, standing.home)
    )
    if not is_seen and account_id != caller.account_id:
        raise NotFoundError("account", account_id)
