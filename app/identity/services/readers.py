"""What the staff of a library do to its readers: suspend, resume, give another home."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, NotFoundError
from app.identity import tree
from app.identity.models import Account, Credential
from app.identity.models.libraries import LibraryState
from app.identity.queries import readers
from app.identity.services import audit, authority, homes, staff
from app.identity.services.audit import Actor
from app.permissions import Caller, Permission

MANAGE = Permission.MANAGE_READERS


def suspend(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str
) -> None:
    """Suspends a reader and ends what they are signed in by; doing it again changes nothing.

    :raises NotFoundError: for who is no reader there. :raises ForbiddenError: at a library out of
        reach, for oneself, and for anyone who may do more somewhere than the caller may.
    """
    account = managed(session, caller, library_id, account_id)
    staff.require_above(session, caller, account_id)
    if account.suspended_at is None:
        account.suspended_at = now()
        account.version += 1
        session.execute(delete(Credential).where(Credential.account_id == account_id))
        _note(session, actor, "reader.suspended", account)


def resume(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str
) -> None:
    """Ends a suspension; doing it again changes nothing.

    :raises NotFoundError, ForbiddenError: as :func:`suspend`.
    """
    account = managed(session, caller, library_id, account_id)
    staff.require_above(session, caller, account_id)
    if account.suspended_at is not None:
        account.suspended_at = None
        account.version += 1
        _note(session, actor, "reader.resumed", account)


def move(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str, home_id: str
) -> None:
    """Gives a reader another home; the caller manages the readers of both.

    :raises NotFoundError, ForbiddenError: as :func:`suspend`, and for the new home.
    :raises ConflictError: when the new home takes no readers.
    """
    account = managed(session, caller, library_id, account_id)
    home = tree.get(session, home_id)
    authority.require(caller.reach(MANAGE), MANAGE, home)
    if home.state not in (LibraryState.JOINED, LibraryState.SETTING_UP):
        raise ConflictError(f"{home.name} takes no readers at the moment.")
    if account.home_id == home_id:
        return
    _note(session, actor, "reader.moved", account, to=home_id)
    was = account.home_id
    homes.settle(session, account, home_id, account.assurance)
    _note(session, actor, "reader.moved", account, was=was)


def managed(session: Session, caller: Caller, library_id: str, account_id: str) -> Account:
    """A reader of the library or of one below it, whom nobody else changes until this commits."""
    library = tree.get(session, library_id)
    authority.require(caller.reach(MANAGE), MANAGE, library)
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFoundError("reader", account_id)
    readers.one(session, library.path, account_id)
    return account


def _note(
    session: Session, actor: Actor, action: str, account: Account, **detail: str | None
) -> None:
    audit.note(session, actor, action, f"account:{account.id}", account.home_id, **detail)
