"""The teen mode (青少年模式): the hours and the minutes of a day in which an account is to read.

Minutes are counted as sessions are seen in use, five at a time, on all devices together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from app.database import now
from app.errors import Fault, ForbiddenError, InvalidError
from app.identity.models import TeenDay, TeenMode
from app.identity.policies import CHINA
from app.identity.queries.minors import GUARDIAN
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.identity.teen import TeenRules

KEPT_DAYS = timedelta(days=2)
_COUNT = text("""INSERT INTO teen_days (account_id, day, minutes)
SELECT teen_modes.account_id, :day, :minutes FROM teen_modes
JOIN credentials ON credentials.account_id = teen_modes.account_id
WHERE credentials.digest = :digest
ON CONFLICT (account_id, day) DO UPDATE SET minutes = teen_days.minutes + excluded.minutes
""").bindparams(bindparam("minutes"), bindparam("digest"), bindparam("day"))


def day_of(moment: datetime) -> str:
    """The day in China."""
    return moment.astimezone(CHINA).date().isoformat()


def change(
    session: Session, actor: Actor, account_id: str, rules: TeenRules, *, by_guardian: bool
) -> None:
    """Turns the mode on with these rules; off where they ask for nothing.

    :raises ForbiddenError: when a guardian set it and this is not the guardian.
    :raises InvalidError: for hours that are none.
    """
    if (rules.opens is None) != (rules.closes is None) or (
        rules.opens is not None and rules.opens == rules.closes
    ):
        raise InvalidError(Fault("closes", "order", "two different times of the day, or neither"))
    row = session.get(TeenMode, account_id, with_for_update=True)
    if row is not None and row.by_guardian and not by_guardian:
        raise ForbiddenError(GUARDIAN, "Only the guardian may change this.")
    subject = f"account:{account_id}"
    if not rules:
        if row is not None:
            session.delete(row)
            audit.note(session, actor, "teen-mode.off", subject, by_guardian=by_guardian)
        return
    session.merge(
        TeenMode(
            account_id=account_id,
            opens=rules.opens,
            closes=rules.closes,
            minutes=rules.minutes,
            by_guardian=by_guardian,
            set_at=now(),
        )
    )
    session.flush()
    audit.note(session, actor, "teen-mode.on", subject, by_guardian=by_guardian)


def count(session: Session, digest: str, minutes: int) -> None:
    """Adds to the day of an account in this mode, one of whose sessions was seen in use."""
    values = {"digest": digest, "minutes": minutes, "day": day_of(now())}
    session.execute(_COUNT, values)


def forget(session: Session) -> None:
    """Forgets the days that are over."""
    session.execute(delete(TeenDay).where(TeenDay.day < day_of(now() - KEPT_DAYS)))
