"""Opaque, signed cursors: where a list goes on, and for which question.

A cursor carries the position after its page and a fingerprint of the question it belongs to, so
that it cannot be used for another, nor be made up.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import blake2b
from typing import Any

import msgspec

from app.errors import UnknownCursorError


class Cursors:
    """Seals and opens cursors. ``keys`` is newest first: all of them open, the first seals."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [
            blake2b(key.encode(), digest_size=32, person=b"cursor").digest() for key in keys
        ]

    def seal(self, question: object, position: object) -> str:
        """A cursor for ``position`` in the answer to ``question``."""
        payload = msgspec.msgpack.encode(position)
        mac = self._mac(self._keys[0], question, payload)
        return base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")

    def open(self, question: object, cursor: str | None) -> Any:
        """The position that was sealed for this question, ``None`` without a cursor.

        :raises UnknownCursorError: for a cursor of another question, or one made up.
        """
        if not cursor:
            return None
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mac, payload = raw[:12], raw[12:]
        if not any(
            hmac.compare_digest(mac, self._mac(key, question, payload)) for key in self._keys
        ):
            raise UnknownCursorError
        return msgspec.msgpack.decode(payload)

    @staticmethod
    def _mac(key: bytes, question: object, payload: bytes) -> bytes:
        asked = msgspec.msgpack.encode(question)
        return blake2b(asked + b"\0" + payload, key=key, digest_size=12).digest()
