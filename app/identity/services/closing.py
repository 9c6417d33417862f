"""Closing an account (注销): at once for whoever looks, for good after a time to think again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import Base, Database, now
from app.errors import ConflictError
from app.identity.accounts import Known
from app.identity.models import Account, Grant
from app.identity.services import audit, homes, notices, sessions
from app.identity.services.audit import SYSTEM, Actor
from app.identity.services.notices import Change
from app.personal import Closing, owned

COOLING_OFF = timedelta(days=15)
AT_ONCE = 100


def ask(session: Session, actor: Actor, known: Known) -> Account:
    """Ends every session; in fifteen days the account is closed, unless its owner signs in.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises ConflictError: while the account has roles, which somebody else is to take over.
    """
    sessions.require_fresh(known)
    if session.scalar(select(Grant.role).where(Grant.account_id == known.account_id).limit(1)):
        raise ConflictError("This account has roles. Hand them over before you close it.")
    account = session.get_one(Account, known.account_id)
    account.closing_at = now() + COOLING_OFF
    sessions.end_others(session, actor, account.id)
    audit.note(session, actor, "account.closing", f"account:{account.id}", account.home_id)
    notices.tell(session, actor, account.id, Change.CLOSING)
    return account


def close_due(database: Database) -> int:
    """Closes the accounts whose time has come, a hundred in a transaction; answers how many."""
    closed = 0
    while True:
        with database.transaction() as session:
            due = select(Account).where(Account.closing_at <= now(), Account.closed_at.is_(None))
            batch = session.scalars(due.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
            for account in batch:
                _close(session, account)
        closed += len(batch)
        if len(batch) < AT_ONCE:
            return closed


def _close(session: Session, account: Account) -> None:
    """Nothing is left that identifies a person, or lets one in; the id stays in what was done."""
    for one in reversed([*owned(Base.metadata)]):
        if one.personal.closing is Closing.DELETED:
            session.execute(delete(one.table).where(one.column == account.id))
    home = account.home_id
    homes.settle(session, account, None, 0)
    account.name, account.name_key, account.email = "", "", None
    account.closed_at, account.closing_at = now(), None
    audit.note(session, SYSTEM, "account.closed", f"account:{account.id}", home)
