"""Children and their guardians.

Only the year of birth is known, so that a child counts as one until the end of the year in which
it could turn fourteen, and as a minor until the end of that in which it could turn eighteen.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ForbiddenError
from app.identity.models import Account, Minor
from app.identity.policies import CHINA

CHILD, ADULT = 14, 18
"""Ages (Personal Information Protection Law art. 31; Law on the Protection of Minors art. 2)."""
GUARDIAN = "guardian"


def year_of(moment: datetime) -> int:
    """The year in China."""
    return moment.astimezone(CHINA).year


def is_child(born_year: int) -> bool:
    """Whether somebody born then may be under fourteen still."""
    return year_of(now()) - born_year <= CHILD


def is_minor(born_year: int) -> bool:
    """Whether somebody born then may be under eighteen still."""
    return year_of(now()) - born_year <= ADULT


def waits(minor: Minor | None) -> bool:
    """Whether a guardian has still to consent."""
    return minor is not None and minor.consented_at is None and is_child(minor.born_year)


def require_consent(session: Session, account_id: str) -> None:
    """That the account is no child's, or that its guardian consented.

    :raises ForbiddenError: when a guardian has to consent first.
    """
    if waits(session.get(Minor, account_id)):
        raise ForbiddenError(GUARDIAN, "A parent or guardian has to consent first.")


def wards(session: Session, guardian_id: str) -> list[tuple[Minor, str]]:
    """The children of a guardian, with what they are called."""
    wanted = (
        select(Minor, Account.name)
        .join(Account, Account.id == Minor.account_id)
        .where(Minor.guardian_id == guardian_id, Account.closed_at.is_(None))
        .order_by(Account.added_at, Account.id)
    )
    return [(row.Minor, row.name) for row in session.execute(wanted)]
