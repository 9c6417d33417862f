"""Grants: what lets an address of book content be read, without asking who reads.

``open`` stands for a record that is open to all, for as long as it is. Any other grant is a
signature over the record, the publication, for whom and under which policies it was given, and its
expiry, aligned to windows of ten minutes, so that addresses repeat within one and caches of the
device can use them. It ends at once with a change of the audience or of any of the policies.

Where readers are limited in number it names the use that it was given for, does not last longer,
and opens nothing once that use has ended.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
import time
from dataclasses import dataclass
from hashlib import blake2b

from app.errors import Fault, InvalidError, NotUsableError
from app.identity.access import Shown, is_open
from app.identity.services.uses import LIFE, WINDOW, Running

OPEN = "open"
_MAC = 14
_USE = 16
"""Bytes of a use's id."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it was sent, which anybody may have made up: see :meth:`Grants.check`."""

    text: str
    expiry: int
    use: str
    """The use that it was given for; empty where readers are not limited in number."""


class Grants:
    """Makes and checks grants. ``keys`` is newest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [blake2b(k.encode(), digest_size=32, person=b"grant").digest() for k in keys]

    def give(self, thing: Shown, publication: str, use: Running | None = None) -> str:
        """The grant for a publication that the caller was just allowed to use."""
        if is_open(thing):
            return OPEN
        expiry = (int(time.time()) // WINDOW + LIFE) * WINDOW
        if use is not None:
            expiry = min(expiry, int(use.until.timestamp()))
        return self._sealed(self._keys[0], thing, publication, expiry, use.id if use else "")

    def check(self, grant: Grant, thing: Shown, publication: str) -> int | None:
        """Seconds that the grant still holds; ``None`` for an open record, which needs none.

        :raises NotUsableError: when it does not hold (ask for the manifest again).
        """
        if grant.text == OPEN:
            if not is_open(thing):
                raise NotUsableError("grant", "Ask for the manifest again.")
            return None
        if thing.state != "published":
            raise NotUsableError("withdrawn", "It was withdrawn.")
        left = grant.expiry - int(time.time())
        about = (thing, publication, grant.expiry, grant.use)
        sealed = (self._sealed(key, *about) for key in self._keys)
        if not any(hmac.compare_digest(grant.text, one) for one in sealed) or left <= 0:
            raise NotUsableError("grant", "Ask for the manifest again.")
        return left

    @staticmethod
    def _sealed(key: bytes, thing: Shown, publication: str, expiry: int, use: str) -> str:
        head = struct.pack(">I", expiry)
        said = [publication, thing.audience, *(f"{part}={name}" for part, name in thing.policies)]
        if use:
            said.append(f"use={use}")
        mac = blake2b(head + "\0".join(said).encode(), key=key, digest_size=_MAC).digest()
        return base64.urlsafe_b64encode(head + bytes.fromhex(use) + mac).decode()


def parsed(text: str) -> Grant:
    """What a grant says of itself.

    :raises InvalidError: for what is none.
    """
    if text == OPEN:
        return Grant(text, 0, "")
    try:
        raw = base64.urlsafe_b64decode(text)
        expiry = int(struct.unpack(">I", raw[:4])[0])
    except (binascii.Error, ValueError, struct.error) as error:
        raise InvalidError(Fault("grant", "invalid", "this is no grant")) from error
    named = raw[4:-_MAC]
    return Grant(text, expiry, named.hex() if len(named) == _USE else "")
