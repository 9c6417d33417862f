"""Letting in an app on a device without a keyboard (RFC 8628).

The device shows a short code, a person enters it where they are signed in, sees who asks, and
decides. What is approved rests on that person's session, as a sign-on of any other kind does.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import normalize

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import Fault, InvalidError
from app.identity import accounts
from app.identity.accounts import Known
from app.identity.services import audit, sessions
from app.identity.services.audit import Actor
from app.sealing import Sealer
from app.signon.models import Authorization, DeviceRequest
from app.signon.schemas import OidcSettings
from app.signon.services import approvals, authorizations, clients
from app.signon.services.clients import KnownClient

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFE = timedelta(minutes=10)
PAUSE = 5
"""Seconds between two questions; as many more each time that the app comes sooner (§3.5)."""
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants make no words (§6.1): with eight of them there are 25 billion codes."""
LENGTH = 8
KEPT = timedelta(hours=1)
"""After its end, so that an app that asks late is told why."""
_PURPOSE = "device-code"


class Refusal(StrEnum):
    """Why an app has no tokens, or none yet (RFC 8628 §3.5, RFC 6749 §5.2)."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    WRONG = "invalid_grant"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the app is given: it shows ``user_code`` and asks with ``device_code``."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a person is shown of who asks; ``network`` is /24 or /48."""

    client: str
    library: str
    scopes: tuple[str, ...]
    network: str
    made_at: datetime


def ask(
    session: Session, sealer: Sealer, client: KnownClient[OidcSettings], scope: str, address: str
) -> Asked:
    """Has the app wait for somebody to let it in; the scope was found to be in order."""
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    at = now()
    session.add(
        DeviceRequest(
            digest=accounts.digest(device_code),
            user_code=_kept(sealer, user_code),
            client_id=client.id,
            scope=scope,
            network=sessions.shown_network(address),
            pause=PAUSE,
            made_at=at,
            expires_at=at + LIFE,
        )
    )
    session.flush()
    return Asked(device_code, grouped(user_code))


def waiting(session: Session, sealer: Sealer, user_code: str) -> Waiting:
    """Who waits under this code; case, dashes and spaces do not matter.

    :raises InvalidError: when nobody does, or no longer.
    """
    row, client = _waiting(session, sealer, user_code, held=False)
    return Waiting(client.name, client.library, tuple(row.scope.split()), row.network, row.made_at)


def approve(session: Session, sealer: Sealer, actor: Actor, known: Known, user_code: str) -> None:
    """Lets the app in as the person of this session; once.

    :raises InvalidError: when nobody waits under this code any more.
    :raises UnauthenticatedError: when the session has ended meanwhile.
    :raises ForbiddenError: for an account that is suspended, or about to be closed.
    """
    row, client = _waiting(session, sealer, user_code)
    allowed = authorizations.add(session, actor, known, client.id, row.scope)
    session.flush()
    row.authorization_id = allowed.id
    approvals.give(session, actor, known.account_id, client.id, row.scope.split())


def refuse(session: Session, sealer: Sealer, actor: Actor, known: Known, user_code: str) -> None:
    """Keeps the app out. :raises InvalidError: as :func:`approve`."""
    row, client = _waiting(session, sealer, user_code)
    row.refused_at = now()
    audit.note(session, actor, "device.refused", f"account:{known.account_id}", client=client.id)


def poll(session: Session, client_id: str, device_code: str) -> Authorization | Refusal:
    """What the app was allowed, which it learns once; else why not, or not yet.

    What is refused is noted too: the transaction is to be committed either way.
    """
    row = session.get(DeviceRequest, accounts.digest(device_code), with_for_update=True)
    if row is None or row.client_id != client_id:
        return Refusal.WRONG
    if row.refused_at is not None or row.expires_at <= now():
        session.delete(row)
        return Refusal.DENIED if row.refused_at else Refusal.EXPIRED
    if row.authorization_id is None:
        return _not_yet(row)
    allowed = session.get_one(Authorization, row.authorization_id)
    session.delete(row)
    if authorizations.standing(session, allowed.id) is None:
        return Refusal.DENIED  # who let it in has signed out since
    return allowed


def purge(session: Session) -> None:
    """Forgets what is long over."""
    session.execute(delete(DeviceRequest).where(DeviceRequest.expires_at < now() - KEPT))


def plain(user_code: str) -> str:
    """The letters of a code as they were entered, in whatever form."""
    return "".join(one for one in normalize("NFKC", user_code).upper() if one.isalpha())


def grouped(user_code: str) -> str:
    """A code as it is shown: ``BCDF-GHJK``."""
    letters = plain(user_code)
    return f"{letters[:4]}-{letters[4:]}"


def _not_yet(row: DeviceRequest) -> Refusal:
    at = now()
    is_soon = row.asked_at is not None and at < row.asked_at + timedelta(seconds=row.pause)
    row.asked_at = at
    if not is_soon:
        return Refusal.PENDING
    row.pause += PAUSE
    return Refusal.SLOW_DOWN


def _waiting(
    session: Session, sealer: Sealer, user_code: str, *, held: bool = True
) -> tuple[DeviceRequest, KnownClient[OidcSettings]]:
    wanted = select(DeviceRequest).where(
        DeviceRequest.user_code == _kept(sealer, plain(user_code)),
        DeviceRequest.expires_at > now(),
        DeviceRequest.authorization_id.is_(None),
        DeviceRequest.refused_at.is_(None),
    )
    row = session.scalar(wanted.with_for_update() if held else wanted)
    client = clients.oidc(session, row.client_id) if row else None
    if row is None or client is None:
        raise InvalidError(Fault("code", "device-code-wrong", "the code that the device shows"))
    return row, client


def _kept(sealer: Sealer, user_code: str) -> str:
    return sealer.lookup(_PURPOSE, user_code)
