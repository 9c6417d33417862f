"""An account as its owner sees it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.database import rfc3339
from app.errors import UnauthenticatedError
from app.identity.accounts import Known
from app.identity.models import Account
from app.identity.schemas import HandleItem, Me
from app.identity.services import attaching


def me(session: Session, known: Known | None) -> Me:
    """Whoever is known by a secret; as good as nobody before the second factor was shown."""
    if known is None:
        raise UnauthenticatedError
    if known.is_half_open:
        return Me("", "", [], "asked", False)
    account = session.get_one(Account, known.account_id)
    return Me(
        account=account.id,
        name=account.name,
        roles=sorted({role for role, _ in known.grants}),
        second_factor="on" if known.has_factor else "off",
        proven=known.is_proven,
        home=account.home_id,
        handles=[
            HandleItem(one.id, one.kind, one.mask, one.verified_at is not None, one.library)
            for one in attaching.listed(session, account.id)
        ],
        closing_at=rfc3339(account.closing_at) if account.closing_at else None,
    )
