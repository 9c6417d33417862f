"""Personal data at rest: sealed to be read again, hashed to be looked up, masked to be shown.

The keys come from KAIJUAN_IDENTITY_KEY, which is never rotated silently: with another key nothing
that was kept is found or read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hmac import digest as hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE = 12
_LENGTH = 4
"""Bytes that say how long a sealed block is."""


class UnsealError(Exception):
    """What was sealed was changed, belongs elsewhere, or was sealed under another key."""


@dataclass(frozen=True)
class Sealer:
    """What one secret can seal and hash. ``purpose`` keeps what is for one use from any other."""

    secret: str = field(repr=False)

    def lookup(self, purpose: str, value: str) -> str:
        """By which a value is found without being kept: HMAC-SHA256, 64 hexadecimal digits."""
        return hmac(_key(self.secret, "lookup:" + purpose), value.encode(), "sha256").hex()

    def seal(self, purpose: str, owner: str, value: bytes) -> bytes:
        """The value encrypted for this owner alone (AES-256-GCM, NIST SP 800-38D)."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = _cipher(self.secret, purpose).encrypt(nonce, value, owner.encode())
        return _VERSION + nonce + sealed

    def unseal(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What :meth:`seal` was given. :raises UnsealError: for anything else."""
        nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if sealed[:1] != _VERSION or len(nonce) != _NONCE:
            raise UnsealError("it is of no known form")
        try:
            return _cipher(self.secret, purpose).decrypt(nonce, rest, owner.encode())
        except InvalidTag as error:
            raise UnsealError("it was changed, or sealed for another") from error

    def seal_file(self, purpose: str, owner: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """A stream sealed block by block; blocks cannot be exchanged, left out or cut off."""
        number = 0
        for number, block in enumerate(blocks, 1):
            yield self._framed(purpose, f"{owner}:{number}", block)
        yield self._framed(purpose, f"{owner}:{number + 1}", b"")

    def unseal_file(self, purpose: str, owner: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """What :meth:`seal_file` was given, however its bytes come.

        :raises UnsealError: for anything else, as far as it goes.
        """
        held, number, block = b"", 1, b"-"
        for piece in pieces:
            held += piece
            while len(held) >= _LENGTH and len(held) >= (end := _LENGTH + _length(held)):
                if not block:
                    raise UnsealError("it goes on after its end")
                block = self.unseal(purpose, f"{owner}:{number}", held[_LENGTH:end])
                yield block
                held, number = held[end:], number + 1
        if block or held:
            raise UnsealError("it breaks off")

    def _framed(self, purpose: str, owner: str, block: bytes) -> bytes:
        sealed = self.seal(purpose, owner, block)
        return len(sealed).to_bytes(_LENGTH, "big") + sealed


def _length(held: bytes) -> int:
    return int.from_bytes(held[:_LENGTH], "big")


@lru_cache(maxsize=64)
def _key(secret: str, label: str) -> bytes:
    """A key of its own for each use (HKDF, RFC 5869)."""
    info = b"kaijuan:" + label.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())


@lru_cache(maxsize=64)
def _cipher(secret: str, purpose: str) -> AESGCM:
    return AESGCM(_key(secret, "seal:" + purpose))
