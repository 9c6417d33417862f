"""Grants: what lets an address of book content be read, without asking who reads.

``open`` stands for a record that is open to all, for as long as it is. Any other grant is a
signature over the record, the publication, for whom and under which policies it was given, and its
expiry, aligned to windows of ten minutes, so that addresses repeat within one and caches of the
device can use them. It ends at once with a change of the audience or of any of the policies.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
import time
from hashlib import blake2b

from app.errors import Fault, InvalidError, NotUsableError
from app.identity.access import Shown, is_open

OPEN = "open"
WINDOW = 600
LIFE = 3
"""Windows that a grant holds: between twenty and thirty minutes."""


class Grants:
    """Makes and checks grants. ``keys`` is newest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [blake2b(k.encode(), digest_size=32, person=b"grant").digest() for k in keys]

    def give(self, thing: Shown, publication: str) -> str:
        """The grant for a publication that the caller was just allowed to use."""
        if is_open(thing):
            return OPEN
        expiry = (int(time.time()) // WINDOW + LIFE) * WINDOW
        return self._sealed(self._keys[0], thing, publication, expiry)

    def check(self, grant: str, thing: Shown, publication: str) -> int | None:
        """Seconds that the grant still holds; ``None`` for an open record, which needs none.

        :raises NotUsableError: when it does not hold (ask for the manifest again).
        """
        if grant == OPEN:
            if not is_open(thing):
                raise NotUsableError("grant", "Ask for the manifest again.")
            return None
        if thing.state != "published":
            raise NotUsableError("withdrawn", "It was withdrawn.")
        expiry = _expiry(grant)
        left = expiry - int(time.time())
        sealed = (self._sealed(key, thing, publication, expiry) for key in self._keys)
        if not any(hmac.compare_digest(grant, one) for one in sealed) or left <= 0:
            raise NotUsableError("grant", "Ask for the manifest again.")
        return left

    @staticmethod
    def _sealed(key: bytes, thing: Shown, publication: str, expiry: int) -> str:
        head = struct.pack(">I", expiry)
        policies = (f"{part}={name}" for part, name in thing.policies)
        signed = head + "\0".join((publication, thing.audience, *policies)).encode()
        mac = blake2b(signed, key=key, digest_size=14).digest()
        return base64.urlsafe_b64encode(head + mac).decode()


def _expiry(grant: str) -> int:
    try:
        return int(struct.unpack(">I", base64.urlsafe_b64decode(grant)[:4])[0])
    except (binascii.Error, ValueError, struct.error) as error:
        raise InvalidError(Fault("grant", "invalid", "this is no grant")) from error
