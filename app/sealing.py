"""Personal data at rest: sealed to be read again, hashed to be looked up, masked to be shown.

The keys come from KAIJUAN_IDENTITY_KEY, which is never rotated silently: with another key nothing
that was kept is found or read.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import new as hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE = 12


class UnsealError(Exception):
    """What was sealed was changed, belongs elsewhere, or was sealed under another key."""


@dataclass(frozen=True)
class Sealer:
    """What one secret can seal and hash. ``purpose`` keeps what is for one use from any other."""

    secret: str = field(repr=False)

    def lookup(self, purpose: str, value: str) -> str:
        """By which a value is found without being kept: HMAC-SHA256, 64 hexadecimal digits."""
        return hmac(self._key("lookup:" + purpose), value.encode(), sha256).hexdigest()

    def seal(self, purpose: str, owner: str, value: bytes) -> bytes:
        """The value encrypted for this owner alone (AES-256-GCM, NIST SP 800-38D)."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self._key("seal:" + purpose)).encrypt(nonce, value, owner.encode())
        return _VERSION + nonce + sealed

    def unseal(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What :meth:`seal` was given. :raises UnsealError: for anything else."""
        nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if sealed[:1] != _VERSION or len(nonce) != _NONCE:
            raise UnsealError("it is of no known form")
        try:
            return AESGCM(self._key("seal:" + purpose)).decrypt(nonce, rest, owner.encode())
        except InvalidTag as error:
            raise UnsealError("it was changed, or sealed for another") from error

    def _key(self, label: str) -> bytes:
        """A key of its own for each use (HKDF, RFC 5869)."""
        info = b"kaijuan:" + label.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(
            self.secret.encode()
        )
