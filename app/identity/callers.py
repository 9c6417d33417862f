"""Knowing the caller: a bearer token, a session cookie, a device password, or nobody.

A device password is looked at only where the endpoint takes it, and opens nothing but that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from flask import Request
from sqlalchemy.orm import Session

from app.errors import ForbiddenError, UnauthenticatedError
from app.identity import accounts
from app.identity.access import tokens
from app.identity.accounts import Known
from app.identity.addresses import Networks, client_address
from app.identity.roles import powers, powers_unproven
from app.identity.services import device_passwords, sessions
from app.identity.services.device_passwords import DeviceDoor
from app.permissions import Caller, DeviceScope, Permission
from app.web import logs
from app.web.access import Authenticate
from app.web.forms import require_same_site

COOKIE = "kaijuan"
_ONLY_SESSIONS = "Only who is signed in with a session may do this."
SAFE = ("GET", "HEAD", "OPTIONS")
PROVING_CLIENTS = "/oauth2/"
"""Below this header fields and forms are clients', which prove themselves (RFC 6749 §2.3.1)."""
ByAccess = Callable[[Session, str], str]
"""The account of the reader whom an access token stands for; none of their roles come with it.

:raises UnauthenticatedError: for what is none. :raises ForbiddenError: when it is for less.
"""


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """Whoever sent the request: an account with its roles, or nobody."""

    address: str
    account_id: str | None = None
    grants: tuple[tuple[str, str], ...] = ()
    request_id: str = field(default_factory=logs.request_id, kw_only=True)
    known: Known | None = None
    """By which secret; also of a session that still waits for its second factor."""

    @property
    def audience(self) -> tuple[str, ...]:
        """Everybody sees what is public; staff also what is kept for staff, within their reach."""
        return tokens(self.reach(Permission.EDIT_RECORDS))

    def may(self, permission: Permission, path: str | None = None) -> bool:
        """Whether one of the roles has it, on the library at ``path`` or one above it."""
        if permission is Permission.PUBLIC:
            return True
        if permission is Permission.SIGNED_IN:
            return self.account_id is not None
        return any(
            permission in self._powers(role) and (path is None or path.startswith(granted))
            for role, granted in self.grants
        )

    def reach(self, permission: Permission) -> tuple[str, ...]:
        """The paths on which one of the roles has it."""
        return tuple(granted for role, granted in self.grants if permission in self._powers(role))

    def _powers(self, role: str) -> frozenset[Permission]:
        """What the role counts for: power over others only where a second factor was shown."""
        proven = self.known is None or self.known.is_proven
        return powers(role) if proven else powers_unproven(role)


def authenticator(
    trusted: Networks, door: DeviceDoor, reader: ByAccess, public_url: str | None = None
) -> Authenticate:
    """How requests are authenticated, trusting forwarded addresses from ``trusted`` only.

    Devices come in by ``door``, clients that a reader let in by ``reader``. ``public_url`` is the
    origin of our own pages where a proxy stands before them.
    """

    def authenticate(
        request: Request, session: Session, devices: DeviceScope | None = None
    ) -> Caller:
        forwarded = request.headers.get("X-Forwarded-For", "")
        address = client_address(request.remote_addr or "", forwarded, trusted)
        if devices is DeviceScope.KOSYNC or (devices and _is_basic(request)):
            return _device(request, session, door, devices, address)
        header = request.headers.get("Authorization", "")
        cookie = request.cookies.get(COOKIE)
        is_clients = request.path.startswith(PROVING_CLIENTS)
        if header and not is_clients:
            scheme, _, secret = header.partition(" ")
            if scheme.lower() != "bearer":
                raise UnauthenticatedError("Only bearer tokens are taken here.")
            if secret.count(".") == 2:  # the compact form of RFC 7515 §7.1
                return KnownCaller(address, reader(session, secret.strip()))
            return _known(session, secret.strip(), "token", address)
        if cookie and (request.method in SAFE or not is_clients):
            if request.method not in SAFE:
                require_same_site(public_url)
            caller = _known(session, cookie, "session", address)
            if caller.known and sessions.is_stale(caller.known):
                seen = partial(sessions.touch, kept=caller.known.digest, address=address)
                request.environ["kaijuan.seen"] = seen
            return caller
        return KnownCaller(address)

    return authenticate


def _is_basic(request: Request) -> bool:
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == "basic"


def _device(
    request: Request, session: Session, door: DeviceDoor, scope: DeviceScope, address: str
) -> KnownCaller:
    """Whoever shows a device password: an account without any of its roles."""
    if scope is DeviceScope.KOSYNC:
        login, password = (request.headers.get(f"x-auth-{part}", "") for part in ("user", "key"))
    else:
        given = request.authorization  # nothing when it is not well-formed (RFC 7617 § 2)
        login, password = (given.username or "", given.password or "") if given else ("", "")
    device = door.known(session, scope, address, login, password)
    if device.is_stale:
        seen = partial(device_passwords.touch, password_id=device.id, address=address)
        request.environ["kaijuan.seen"] = seen
    return KnownCaller(address, device.account_id)


def _known(session: Session, secret: str, kind: str, address: str) -> KnownCaller:
    found = accounts.find(session, secret, kind)
    if found is None and kind == "session":
        return KnownCaller(address)  # an old cookie must not lock a reader out of the open pages
    if found is None:
        raise UnauthenticatedError("This token is not valid, or no longer.")
    if found.is_half_open:
        return KnownCaller(address, known=found)
    return KnownCaller(address, found.account_id, found.grants, found)


def known_of(caller: Caller) -> Known:
    """The secret that the caller is known by.

    :raises UnauthenticatedError: when it is nobody.
    :raises ForbiddenError: when it is a client or a device that a reader let in.
    """
    known = getattr(caller, "known", None)
    if isinstance(known, Known):
        return known
    if caller.account_id is not None:
        raise ForbiddenError("session", _ONLY_SESSIONS)
    raise UnauthenticatedError


def session_of(caller: Caller) -> Known:
    """The session of the caller, half-open ones too.

    :raises UnauthenticatedError: when it is nobody. :raises ForbiddenError: when it is a token.
    """
    known = known_of(caller)
    if known.kind != "session":
        raise ForbiddenError("session", _ONLY_SESSIONS)
    return known
