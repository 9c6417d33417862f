"""The second factor: codes of a device (TOTP, RFC 6238), and recovery codes that work once."""

from __future__ import annotations

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from unicodedata import normalize

import pyotp
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, Fault, ForbiddenError, InvalidError
from app.identity.accounts import SHOWN, Known
from app.identity.models import Authenticator
from app.identity.roles import has_power_over_others
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.sealing import Sealer

ISSUER = "开卷"
STEP = 30
DRIFT = (0, -1, 1)
"""Steps by which the device's clock may be wrong."""
RECOVERY_CODES = 10
_PURPOSE = "totp"


@dataclass(frozen=True, slots=True)
class Factor:
    """What its owner sees of a second factor."""

    since: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a device is to learn: the key in base32, and both in one address."""

    key: str
    uri: str


def is_on(session: Session, account_id: str) -> bool:
    """Whether the account has one."""
    return _confirmed(session, account_id) is not None


def require_may_add(known: Known) -> None:
    """Asks that a second factor may be added in this session: a code, or a passkey.

    Who has power over others adds the first in a session that a link began, and another one in a
    session that is proven: a password alone, which may be known to others, must not be enough to
    make a second factor out of nothing.

    :raises ForbiddenError: when it may not.
    """
    is_powerful = has_power(known)
    if is_powerful and not known.is_proven:
        message = "Ask your administrator for a sign-in link, and set it up within the hour."
        raise ForbiddenError("link-session", message)
    by_link = is_powerful and SHOWN.isdisjoint(known.methods)
    if not known.is_fresh and not by_link:
        raise ForbiddenError("fresh-session", "Sign in again first: it is too long ago.")


def has_power(known: Known) -> bool:
    """Whether the person has power over others, and so needs a second factor."""
    return any(has_power_over_others(role) for role, _ in known.grants)


def require_left(known: Known, *, has_other: bool) -> None:
    """Asks that one is left to who has power over others when another is taken away.

    :raises ConflictError: when it is the last.
    """
    if has_power(known) and not has_other:
        raise ConflictError("This is your last second factor, and your roles need one.")


def state(session: Session, account_id: str) -> Factor:
    """Since when, and how many recovery codes are left."""
    row = _confirmed(session, account_id)
    left = select(func.count()).where(*_recovery(account_id))
    return Factor(row.confirmed_at if row else None, session.scalar(left) or 0)


def begin(session: Session, sealer: Sealer, known: Known, name: str) -> Enrolment:
    """A new key for the account; nothing counts until a code of it was shown.

    :raises ConflictError: when there is one. :raises ForbiddenError: when it may not be set up now.
    """
    if is_on(session, known.account_id):
        raise ConflictError("There is a second factor already. Remove it first.")
    require_may_add(known)
    unconfirmed = delete(Authenticator).where(
        Authenticator.account_id == known.account_id, Authenticator.confirmed_at.is_(None)
    )
    session.execute(unconfirmed.where(Authenticator.kind == "totp"))
    row_id, key = random_id(), pyotp.random_base32()
    sealed = sealer.seal(_PURPOSE, row_id, key.encode())
    session.add(
        Authenticator(
            id=row_id, account_id=known.account_id, kind="totp", secret=sealed, added_at=now()
        )
    )
    session.flush()
    return Enrolment(key, pyotp.TOTP(key).provisioning_uri(name=name, issuer_name=ISSUER))


def confirm(
    session: Session, sealer: Sealer, actor: Actor, account_id: str, code: str
) -> list[str]:
    """Turns the second factor on; answers the recovery codes, which are shown this once.

    :raises ConflictError: when none was begun, or one is on. :raises InvalidError: for a code
        that is not of its key.
    """
    wanted = select(Authenticator).where(
        Authenticator.account_id == account_id, Authenticator.kind == "totp"
    )
    rows = session.scalars(wanted.with_for_update()).all()
    if len(rows) != 1 or rows[0].confirmed_at is not None:
        raise ConflictError("Begin to set up a second factor first.")
    if not _take(session, sealer, rows[0], code):
        raise wrong()
    rows[0].confirmed_at = now()
    audit.note(session, actor, "second-factor.added", f"account:{account_id}")
    return renew_recovery(session, sealer, account_id)


def renew_recovery(session: Session, sealer: Sealer, account_id: str) -> list[str]:
    """New recovery codes; those before no longer work."""
    session.execute(delete(Authenticator).where(*_recovery(account_id)))
    codes = [b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    session.add_all(
        Authenticator(
            id=random_id(),
            account_id=account_id,
            kind="recovery",
            secret=_kept(sealer, account_id, code),
            added_at=now(),
        )
        for code in codes
    )
    session.flush()
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def verify(session: Session, sealer: Sealer, account_id: str, code: str) -> str | None:
    """How the code proves the person: ``otp`` by the device, ``recovery`` by a code that is then
    spent, or not at all. None is taken twice."""
    row = _confirmed(session, account_id)
    if row is None:
        return None
    if _take(session, sealer, row, code):
        return "otp"
    spent = delete(Authenticator).where(
        *_recovery(account_id), Authenticator.secret == _kept(sealer, account_id, code)
    )
    gone = session.scalars(spent.returning(Authenticator.id)).first()
    return "recovery" if gone else None


def remove(session: Session, actor: Actor, account_id: str) -> None:
    """Takes the second factor and its recovery codes away."""
    session.execute(delete(Authenticator).where(Authenticator.account_id == account_id))
    audit.note(session, actor, "second-factor.removed", f"account:{account_id}")


def wrong() -> InvalidError:
    """That a code is not right, or was used already."""
    return InvalidError(Fault("code", "code-wrong", "the code that the device shows now"))


def _confirmed(session: Session, account_id: str) -> Authenticator | None:
    wanted = select(Authenticator).where(
        Authenticator.account_id == account_id,
        Authenticator.kind == "totp",
        Authenticator.confirmed_at.is_not(None),
    )
    return session.scalars(wanted).first()


def _recovery(account_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Authenticator.account_id == account_id, Authenticator.kind == "recovery")


def _take(session: Session, sealer: Sealer, row: Authenticator, code: str) -> bool:
    """Whether it is a code of now or a step beside, later than the last one that was taken."""
    given = "".join(normalize("NFKC", code).split())
    key = pyotp.TOTP(sealer.unseal(_PURPOSE, row.id, row.secret).decode(), interval=STEP)
    present = int(now().timestamp()) // STEP
    for step in (present + drift for drift in DRIFT):
        if compare_digest(key.generate_otp(step).encode(), given.encode()):
            later = Authenticator.last_step < step
            taken = update(Authenticator).where(Authenticator.id == row.id, later)
            taken = taken.values(last_step=step).execution_options(synchronize_session=False)
            return session.scalar(taken.returning(Authenticator.id)) is not None
    return False


def _kept(sealer: Sealer, account_id: str, code: str) -> bytes:
    plain = "".join(code.lower().replace("-", "").split())
    return sealer.lookup("recovery", f"{account_id}:{plain}").encode()
