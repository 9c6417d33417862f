"""What an account has agreed to, in which version and since when; nothing of it is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import new_id, now
from app.errors import ConflictError, Fault, InvalidError
from app.identity.documents import DOCUMENTS, TO_SIGN_UP, Purpose
from app.identity.models import Consent
from app.identity.services import audit
from app.identity.services.audit import Actor

MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A consent as its owner sees it."""

    purpose: str
    version: str
    given_at: datetime
    withdrawn_at: datetime | None
    by_guardian: bool


def require(agreed: Mapping[str, str], place: str) -> None:
    """That somebody who signs up has agreed to what an account cannot be had without.

    :raises InvalidError: naming what is missing, or was agreed to as it no longer is.
    """
    missing = [one for one in TO_SIGN_UP if agreed.get(one) != DOCUMENTS[one].version]
    if missing:
        wanted = ", ".join(f"{one} in version {DOCUMENTS[one].version}" for one in missing)
        raise InvalidError(Fault(place, "consent", f"your consent to {wanted}"))


def require_version(purpose: Purpose, version: str) -> None:
    """That what was agreed to is the text as it is now.

    :raises InvalidError: when it is another by now.
    """
    if version != DOCUMENTS[purpose].version:
        wanted = f"your consent to {purpose} in version {DOCUMENTS[purpose].version}"
        raise InvalidError(Fault("version", "consent", wanted))


def give(
    session: Session,
    actor: Actor,
    account_id: str,
    purpose: Purpose,
    version: str,
) -> None:
    """Writes a consent down; the same again changes nothing.

    :raises InvalidError: when the text is another by now.
    """
    require_version(purpose, version)
    if stands(session, account_id, purpose):
        return
    session.add(
        Consent(
            id=new_id(),
            account_id=account_id,
            purpose=str(purpose),
            version=version,
            given_by=actor.account_id,
            given_at=now(),
        )
    )
    session.flush()
    about = {"purpose": str(purpose), "version": version}
    audit.note(session, actor, "consent.given", f"account:{account_id}", **about)


def withdraw(session: Session, actor: Actor, account_id: str, purpose: Purpose) -> None:
    """Ends a consent, in every version.

    :raises ConflictError: for what an account cannot be had without.
    """
    if purpose in TO_SIGN_UP:
        raise ConflictError("An account cannot be had without it. Close the account instead.")
    ended = (
        update(Consent)
        .where(
            Consent.account_id == account_id,
            Consent.purpose == str(purpose),
            Consent.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now())
    )
    if session.scalars(ended.returning(Consent.id)).all():
        subject = f"account:{account_id}"
        audit.note(session, actor, "consent.withdrawn", subject, purpose=str(purpose))


def stands(session: Session, account_id: str, purpose: Purpose) -> bool:
    """Whether the text as it is now was agreed to, and still is."""
    return purpose in _standing(session, account_id)


def due(session: Session, account_id: str) -> list[Purpose]:
    """What is still to be agreed to, in the version of now."""
    given = _standing(session, account_id)
    return [one for one in TO_SIGN_UP if one not in given]


def listed(session: Session, account_id: str) -> list[ConsentLine]:
    """Every consent there was, the newest first; two hundred at most."""
    wanted = select(Consent).where(Consent.account_id == account_id)
    rows = session.scalars(wanted.order_by(Consent.id.desc()).limit(MOST_LISTED))
    return [
        ConsentLine(
            row.purpose, row.version, row.given_at, row.withdrawn_at, row.given_by != account_id
        )
        for row in rows
    ]


def _standing(session: Session, account_id: str) -> set[str]:
    wanted = select(Consent.purpose, Consent.version).where(
        Consent.account_id == account_id, Consent.withdrawn_at.is_(None)
    )
    known = {one.purpose.value: one.version for one in DOCUMENTS.values()}
    return {row.purpose for row in session.execute(wanted) if known.get(row.purpose) == row.version}
