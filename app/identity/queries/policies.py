"""Reading what policies ask for, and the accounts that they ask about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from app.database import read
from app.identity.conditions import Standing
from app.identity.models import Account, Card, Handle, Library, PolicyRow
from app.identity.policies import NAMED, Rules, decoded

_MOST = 4_096
_known: dict[str, Rules] = {}
"""What a name means never changes, in whichever database it is kept."""
_RULES = select(PolicyRow.rules).where(PolicyRow.name == bindparam("policy"))
_CARDS = exists().where(
    Handle.account_id == Account.id,
    Card.lookup == Handle.lookup,
    Card.library_id == Account.home_id,
)
_VALID = or_(Card.expires_at.is_(None), Card.expires_at > bindparam("when"))
_HOLDS = or_(~_CARDS, _CARDS.where(Card.state == "open", _VALID))
"""Whether a home still counts: where it keeps cards of the account, one of them is valid."""
_STANDING = (
    select(
        Account.assurance, Account.suspended_at, Account.closing_at, Account.closed_at,
        Library.path,
    )
    .outerjoin(Library, and_(Library.id == Account.home_id, _HOLDS))
    .where(Account.id == bindparam("account_id"))
)  # fmt: skip


def rules(session: Session, name: str) -> Rules | None:
    """What the policy of this name asks for; ``None`` when it is unknown or cannot be read.

    A statement the first time that a process meets a name, and none afterwards.
    """
    found = NAMED.get(name) or _known.get(name)
    if found is None:
        kept = read(session, _RULES, policy=name).scalar()
        found = decoded(name, kept) if kept is not None else None
        if found is not None:
            if len(_known) >= _MOST:
                _known.clear()
            _known[name] = found
    return found


def standing(session: Session, account_id: str, when: datetime) -> Standing | None:
    """The account as policies ask of it; ``None`` when there is none."""
    row = read(session, _STANDING, account_id=account_id, when=when).one_or_none()
    if row is None:
        return None
    is_over = row.closing_at is not None and row.closing_at <= when
    return Standing(
        assurance=row.assurance,
        home=row.path or "",
        is_suspended=row.suspended_at is not None,
        is_closed=row.closed_at is not None or is_over,
    )
