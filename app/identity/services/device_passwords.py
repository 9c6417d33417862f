"""Device passwords, for apps that know no better way to sign in: OPDS readers, KOReader.

A password is 28 letters, 128 random bits, made here and never chosen: nobody reuses it, and no
number of guesses finds it, so that looking it up by an HMAC is enough and costs no argon2. It
opens what its scopes say and nothing of the account's own; with it goes a user name that is
random too.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from hmac import compare_digest

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, Fault, InvalidError, NotFoundError, UnauthenticatedError
from app.identity.accounts import Known
from app.identity.models import Account, DevicePassword
from app.identity.services import audit, notices, sessions
from app.identity.services.audit import Actor
from app.identity.services.limits import Limiter, network_of
from app.identity.services.notices import Change
from app.identity.services.sessions import Visit, shown_network
from app.permissions import DeviceScope
from app.sealing import Sealer

LETTERS = "abcdefghjkmnopqrstuvwxyz"
"""Without i and l, which look alike; without digits, which some keyboards keep elsewhere."""
LENGTH, GROUP = 28, 4
LOGIN_LENGTH = 8
MOST = 20
SEEN_EVERY = timedelta(hours=1)
_BY_VALUE, _BY_MD5, _LOGIN = "device-password", "device-password-md5", "device-login"


@dataclass(frozen=True, slots=True)
class DevicePasswordLine:
    """A device password as its owner sees it."""

    id: str
    label: str
    login: str
    scopes: list[str]
    made_at: datetime
    used_at: datetime | None
    network: str


@dataclass(frozen=True, slots=True)
class NewDevicePassword:
    """What is to be typed on the device; the password is shown this once."""

    id: str
    login: str
    password: str


def make(
    session: Session,
    sealer: Sealer,
    visit: Visit,
    known: Known,
    label: str,
    scopes: Iterable[DeviceScope],
) -> NewDevicePassword:
    """Another password for the account's devices.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises InvalidError: without a scope. :raises ConflictError: when there are 20 already.
    """
    sessions.require_fresh(known)
    wanted = sorted(set(scopes))
    if not wanted:
        raise InvalidError(Fault("scopes", "missing", "at least one of what it is to open"))
    session.get_one(Account, known.account_id, with_for_update=True)
    if len(listed(session, known.account_id)) >= MOST:
        raise ConflictError("There are 20 device passwords. Take one away first.")
    row_id, login = random_id(), login_of(sealer, known.account_id)
    plain = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    grouped = "-".join(plain[at : at + GROUP] for at in range(0, LENGTH, GROUP))
    session.add(
        DevicePassword(
            id=row_id,
            account_id=known.account_id,
            login=login,
            label=label,
            scopes=",".join(wanted),
            lookup=sealer.lookup(_BY_VALUE, plain),
            md5_lookup=sealer.lookup(_BY_MD5, _md5(plain)),
            grouped_md5_lookup=sealer.lookup(_BY_MD5, _md5(grouped)),
            made_at=now(),
        )
    )
    session.flush()
    about = f"account:{known.account_id}"
    actor = visit.actor(known.account_id)
    audit.note(session, actor, "device-password.made", about, id=row_id, scopes=wanted)
    notices.tell(session, actor, known.account_id, Change.FOR_DEVICE)
    return NewDevicePassword(row_id, login, grouped)


def listed(session: Session, account_id: str) -> list[DevicePasswordLine]:
    """The account's device passwords, the newest first; 20 at most."""
    wanted = select(DevicePassword).where(DevicePassword.account_id == account_id)
    return [
        DevicePasswordLine(
            id=row.id,
            label=row.label,
            login=row.login,
            scopes=row.scopes.split(","),
            made_at=row.made_at,
            used_at=row.used_at,
            network=row.address,
        )
        for row in session.scalars(
            wanted.order_by(DevicePassword.made_at.desc(), DevicePassword.id)
        )
    ]


def revoke(session: Session, actor: Actor, account_id: str, password_id: str) -> None:
    """Takes one away: the device is out at once.

    :raises NotFoundError: when the account has none of this id.
    """
    mine = delete(DevicePassword).where(
        DevicePassword.account_id == account_id, DevicePassword.id == password_id
    )
    if session.scalar(mine.returning(DevicePassword.id)) is None:
        raise NotFoundError("device password", password_id)
    audit.note(session, actor, "device-password.revoked", f"account:{account_id}", id=password_id)


def login_of(sealer: Sealer, account_id: str) -> str:
    """The user name for the account's devices: always the same, and it tells nothing."""
    number = int(sealer.lookup(_LOGIN, account_id), 16)
    letters = []
    for _ in range(LOGIN_LENGTH):
        number, at = divmod(number, len(LETTERS))
        letters.append(LETTERS[at])
    return "".join(letters)


def touch(session: Session, password_id: str, address: str) -> None:
    """Notes that a device password is in use; once in an hour whoever asks."""
    at = now()
    stale = or_(DevicePassword.used_at.is_(None), DevicePassword.used_at < at - SEEN_EVERY)
    seen = update(DevicePassword).where(DevicePassword.id == password_id, stale)
    session.execute(seen.values(used_at=at, address=shown_network(address)))


@dataclass(frozen=True, slots=True)
class Device:
    """An app that showed a device password that holds."""

    id: str
    account_id: str
    is_stale: bool
    """Whether its use is to be noted."""


@dataclass(frozen=True, slots=True)
class DeviceDoor:
    """Where devices come in: one statement, whatever is shown and whoever is named.

    Failures are counted, for a user name from a network and for a network. Who shows a password
    that holds comes in however many others failed: no guess ever finds one, so that counting
    saves the machine's work, not the account (NIST SP 800-63B § 5.1.2.2: from 64 bits on).
    """

    sealer: Sealer
    limiter: Limiter

    def known(
        self, session: Session, scope: DeviceScope, address: str, login: str, password: str
    ) -> Device:
        """Who shows this: the password, or for KOReader the MD5 of what was typed.

        :raises UnauthenticatedError: when there is none such, or it is of another scope.
        :raises TooManyError: when that was tried too often.
        """
        if scope is DeviceScope.KOSYNC:
            by = self.sealer.lookup(_BY_MD5, password.lower())
            shown = or_(DevicePassword.md5_lookup == by, DevicePassword.grouped_md5_lookup == by)
        else:
            plain = "".join(password.lower().replace("-", "").split())
            shown = DevicePassword.lookup == self.sealer.lookup(_BY_VALUE, plain)
        is_open = and_(Account.closed_at.is_(None), Account.closing_at.is_(None))
        wanted = select(DevicePassword).join(Account, Account.id == DevicePassword.account_id)
        row = session.scalars(wanted.where(shown, is_open)).first()
        named = login.strip().lower()
        is_its_own = compare_digest((row.login if row else "").encode(), named.encode())
        if row is None or not is_its_own or scope not in row.scopes.split(","):
            network = network_of(address)
            if network:
                self.limiter.spend("devices", "address", network)
            self.limiter.spend("devices", "account", f"{named}@{network}")
            raise UnauthenticatedError("No device password is this one.")
        is_stale = row.used_at is None or row.used_at < now() - SEEN_EVERY
        return Device(row.id, row.account_id, is_stale)


def _md5(value: str) -> str:
    return md5(value.encode(), usedforsecurity=False).hexdigest()
