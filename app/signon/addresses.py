"""Addresses of clients: which may be registered, and which belong to what was registered."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from app.errors import Fault, InvalidError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
_PLAIN = re.compile(r"[!-~]+")
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
"""An app's own: a domain turned round, such as ``org.example.app`` (RFC 8252 §7.1)."""
_STEPS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)|%2f|%5c|;", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def require_web(address: str, place: str) -> None:
    """That this is an ``https`` address, or one of this very machine; no query, no fragment.

    :raises InvalidError: otherwise.
    """
    parts = _split(address)
    if parts is None or parts.query or not (parts.scheme == "https" or _is_local(parts)):
        wanted = "an https address of lower case, without query, fragment, user or wildcard"
        raise InvalidError(Fault(place, "address", wanted))


def require_redirect(address: str, place: str) -> None:
    """That somebody may be sent there with a code: https, this machine, or an app's own scheme.

    :raises InvalidError: otherwise.
    """
    parts = _split(address)
    own = bool(_PLAIN.fullmatch(address)) and "#" not in address and "*" not in address
    scheme, colon, rest = address.partition(":")
    if own and colon and _OWN_SCHEME.fullmatch(scheme) and rest.startswith("/"):
        return
    if parts is None or not (parts.scheme == "https" or _is_local(parts)):
        wanted = "an https address, or an app's own such as org.example.app:/signed-on"
        raise InvalidError(Fault(place, "address", wanted))


def origin(address: str) -> str | None:
    """Scheme, host and port in their one form; nothing for what cannot be a client's address."""
    parts = _split(address)
    if parts is None:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def is_below(address: str, registered: str) -> bool:
    """Whether the address has the registered origin, and its path or one below it."""
    theirs, known = _split(address), _split(registered)
    if theirs is None or known is None or origin(address) != origin(registered):
        return False
    if _STEPS.search(theirs.path):  # what a server may read as another path
        return False
    path, above = theirs.path or "/", known.path or "/"
    return path == above or path.startswith(above.rstrip("/") + "/")


def _split(address: str) -> SplitResult | None:
    """The parts of an http(s) address that means the same to everybody who reads it."""
    if not _PLAIN.fullmatch(address) or "\\" in address or "#" in address:
        return None
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    if not _HOST.fullmatch(host) or "*" in address.partition("?")[0]:
        return None
    return parts


def _is_local(parts: SplitResult) -> bool:
    return parts.scheme == "http" and parts.hostname in LOOPBACK
