"""At the desk of a library: confirming a reader, and taking a verification back."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.database import now
from app.errors import NotFoundError
from app.identity.models import Account, DeskConfirmation
from app.identity.services import audit, homes, readers, real_names, staff
from app.identity.services.audit import Actor
from app.permissions import Caller


def confirm(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str
) -> None:
    """The staff had the person and the card before them: level 2. Again, it changes nothing.

    :raises NotFoundError: for who is no reader there. :raises ForbiddenError: at a library out of
        reach, for oneself, and for anyone who may do more somewhere than the caller may.
    """
    account = _account(session, caller, library_id, account_id)
    if session.get(DeskConfirmation, account_id) is not None:
        return
    home = account.home_id or library_id
    session.add(
        DeskConfirmation(
            account_id=account_id, library_id=home, given_by=actor.account_id, at=now()
        )
    )
    homes.settle(session, account, account.home_id, max(account.assurance, real_names.MET))
    account.version += 1
    audit.note(session, actor, "reader.confirmed", f"account:{account_id}", home)


def unconfirm(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str
) -> None:
    """Takes that back; a verified real name stands.

    :raises NotFoundError, ForbiddenError: as :func:`confirm`; also when nobody confirmed it.
    """
    account = _account(session, caller, library_id, account_id)
    mine = delete(DeskConfirmation).where(DeskConfirmation.account_id == account_id)
    if session.scalar(mine.returning(DeskConfirmation.account_id)) is None:
        raise NotFoundError("confirmation", account_id)
    if account.assurance < homes.VERIFIED:
        level = real_names.level_without(session, account_id)
        homes.settle(session, account, account.home_id, level)
    account.version += 1
    audit.note(session, actor, "reader.unconfirmed", f"account:{account_id}", account.home_id)


def revoke(
    session: Session, caller: Caller, actor: Actor, library_id: str, account_id: str, reason: str
) -> None:
    """Takes a verified real name away, with a reason; the person may be verified anew.

    :raises NotFoundError, ForbiddenError: as :func:`confirm`; also when none is verified.
    """
    _account(session, caller, library_id, account_id)
    if not real_names.withdraw(session, actor, account_id, "real-name.revoked", reason):
        raise NotFoundError("verification", account_id)


def _account(session: Session, caller: Caller, library_id: str, account_id: str) -> Account:
    account = readers.managed(session, caller, library_id, account_id)
    staff.require_above(session, caller, account_id)
    return account
