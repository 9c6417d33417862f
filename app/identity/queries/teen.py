"""The teen mode of an account, and how long it was here today."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from app.database import read
from app.identity.models import TeenDay, TeenMode
from app.identity.policies import CHINA
from app.identity.teen import Teen, TeenRules

_TEEN = (
    select(TeenMode.opens, TeenMode.closes, TeenMode.minutes, TeenMode.by_guardian)
    .add_columns(TeenDay.minutes.label("used"))
    .outerjoin(
        TeenDay,
        and_(TeenDay.account_id == TeenMode.account_id, TeenDay.day == bindparam("day")),
    )
    .where(TeenMode.account_id == bindparam("account_id"))
)


def teen(session: Session, account_id: str, when: datetime) -> Teen | None:
    """The mode that the account is in; ``None`` when it is in none."""
    day = when.astimezone(CHINA).date().isoformat()
    row = read(session, _TEEN, account_id=account_id, day=day).one_or_none()
    if row is None:
        return None
    rules = TeenRules(row.opens, row.closes, row.minutes)
    return Teen(rules, row.used or 0, row.by_guardian)
