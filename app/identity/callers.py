"""Knowing the caller: a bearer token, a session cookie, or nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address

from flask import Request
from sqlalchemy.orm import Session

from app.errors import ForbiddenError, UnauthenticatedError
from app.identity import accounts
from app.identity.access import tokens
from app.identity.roles import powers
from app.permissions import Caller, Permission
from app.web import logs
from app.web.access import Authenticate

COOKIE = "kaijuan"
SAFE = ("GET", "HEAD", "OPTIONS")
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """Whoever sent the request: an account with its roles, or nobody."""

    address: str
    account_id: str | None = None
    grants: tuple[tuple[str, str], ...] = ()
    request_id: str = field(default_factory=logs.request_id, kw_only=True)

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
            permission in powers(role) and (path is None or path.startswith(granted))
            for role, granted in self.grants
        )

    def reach(self, permission: Permission) -> tuple[str, ...]:
        """The paths on which one of the roles has it."""
        return tuple(granted for role, granted in self.grants if permission in powers(role))


def authenticator(trusted: Networks, public_url: str | None = None) -> Authenticate:
    """How requests are authenticated, trusting forwarded addresses from ``trusted`` only.

    ``public_url`` is the origin of our own pages where a proxy stands before them.
    """

    def authenticate(request: Request, session: Session) -> Caller:
        address = client_address(request, trusted)
        header = request.headers.get("Authorization", "")
        cookie = request.cookies.get(COOKIE)
        if header:
            scheme, _, secret = header.partition(" ")
            if scheme.lower() != "bearer":
                raise UnauthenticatedError("Only bearer tokens are taken here.")
            return _known(session, secret.strip(), "token", address)
        if cookie:
            _same_site(request, public_url)
            return _known(session, cookie, "session", address)
        return KnownCaller(address)

    return authenticate


def _known(session: Session, secret: str, kind: str, address: str) -> Caller:
    found = accounts.find(session, secret, kind)
    if found is None and kind == "session":
        return KnownCaller(address)  # an old cookie must not lock a reader out of the open pages
    if found is None:
        raise UnauthenticatedError("This token is not valid, or no longer.")
    account, grants = found
    return KnownCaller(address, account.id, tuple(grants))


def _same_site(request: Request, public_url: str | None) -> None:
    """A cookie authorises a change only when our own pages ask for it (Fetch Metadata)."""
    if request.method in SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    ours = public_url or request.host_url.rstrip("/")
    if site in ("same-origin", "none") or (site is None and request.headers.get("Origin") == ours):
        return
    raise ForbiddenError("same-origin", "Changes with a cookie are taken from our own pages only.")


def client_address(request: Request, trusted: Networks) -> str:
    """The address of the client: the last one in the chain that no trusted proxy vouches for."""
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    address = request.remote_addr or ""
    for claimed in reversed([part for part in chain if part]):
        if not _is_within(address, trusted):
            break
        address = claimed
    return address


def _is_within(address: str, networks: Networks) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in networks)
