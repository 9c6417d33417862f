"""The static sources, each under an address that changes with its content."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file, ready to be sent either way."""

    body: bytes
    packed: bytes
    digest: str
    media_type: str


@cache
def all_assets() -> dict[str, Asset]:
    """Every static file by its name; read once."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    digest = blake2b(body, digest_size=6).hexdigest()
    return Asset(body, gzip.compress(body, 9, mtime=0), digest, TYPES[path.suffix])


@cache
def version() -> str:
    """One digest of all of them: modules import each other by relative address, and so agree."""
    together = "".join(asset.digest for asset in all_assets().values())
    return blake2b(together.encode(), digest_size=6).hexdigest()


def address(name: str) -> str:
    """Where a static file is served.

    :raises KeyError: when there is none of that name.
    """
    all_assets()[name]
    return f"/static/{version()}/{name}"
