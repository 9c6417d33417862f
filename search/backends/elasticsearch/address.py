"""The address of an engine as an installation writes it."""

import re
from urllib.parse import unquote, urlsplit

import msgspec

DEFAULT_PREFIX = "kaijuan"
_WANTED = "http(s)://HOST:PORT"
_PREFIX = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_PORTS = {"http": 80, "https": 443}


class Address(msgspec.Struct, frozen=True):
    """Where the engine is, who asks, and what the names of its indexes begin with."""

    url: str
    credentials: tuple[str, str] | None
    prefix: str


def read_address(url: str) -> Address:
    """Read ``https://user:password@host:9200/prefix``; user and prefix may be left out.

    Raises ValueError, without what is secret, when it is not such an address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # which may repeat a part of the password
        raise ValueError(f"{_WANTED}, what is special in user and password as %XX") from None
    prefix = parts.path.strip("/") or DEFAULT_PREFIX
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(_WANTED)
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("a prefix of small letters, digits, - and _ as its path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = parts.username
    credentials = (unquote(user), unquote(parts.password or "")) if user is not None else None
    return Address(f"{parts.scheme}://{host}:{port or _PORTS[parts.scheme]}", credentials, prefix)
