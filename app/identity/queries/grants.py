"""Which roles accounts have, and where they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from app.database import read
from app.identity.models import Account, Grant, Library
from app.identity.models.libraries import LibraryState

_WORKING = (LibraryState.SETTING_UP, LibraryState.JOINED)
_HOLDS = and_(
    Library.state.in_(_WORKING), Account.suspended_at.is_(None), Account.closed_at.is_(None)
)
_GIVEN = (
    select(Grant.account_id, Grant.role, Library.path, _HOLDS.label("holds"))
    .join(Library, Library.id == Grant.library_id)
    .join(Account, Account.id == Grant.account_id)
)
_HELD = _GIVEN.where(_HOLDS, Grant.account_id == bindparam("account"))


@dataclass(frozen=True, slots=True)
class Given:
    """A role that was given; ``holds`` is false while its library or its owner is suspended."""

    role: str
    path: str
    holds: bool


def held(session: Session, account_id: str) -> list[tuple[str, str]]:
    """The (role, library path) pairs that hold now: none while the account is suspended, and none
    of a library while that is.
    """
    return [(row.role, row.path) for row in read(session, _HELD, account=account_id)]


def standings(session: Session, account_ids: Iterable[str]) -> dict[str, list[Given]]:
    """The roles of these accounts, which nobody else gives or takes until this commits.

    In the order of their ids, so that two who look at each other do not block each other.
    """
    ids = sorted(set(account_ids))
    found = select(Account.id).where(Account.id.in_(ids)).order_by(Account.id).with_for_update()
    standing: dict[str, list[Given]] = {account_id: [] for account_id in session.scalars(found)}
    for row in session.execute(_GIVEN.where(Grant.account_id.in_(ids))):
        standing[row.account_id].append(Given(row.role, row.path, row.holds))
    return standing
