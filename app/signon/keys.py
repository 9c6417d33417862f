"""The keys that sign tokens (JWK, RFC 7517): files that every process of an installation shares.

Keys are numbered, and a file is never written again: a number that is there is taken, so of two
processes that make a key at once one makes it. A key is published before it signs, so that systems
know it by then; once another signs, it is published for as long as what it signed may be shown.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from joserfc.jwk import KeyParameters, KeySet, RSAKey

from app.database import now, random_id
from app.errors import ConflictError, NotFoundError

ALGORITHM = "RS256"
"""What every OpenID Connect client knows (Core 1.0 §15.1)."""
BITS = 2048
AHEAD = timedelta(days=1)
"""So long is a key published before it signs."""
AFTER = timedelta(days=1)
"""So long is it published afterwards: longer than any token lives, and than key sets are kept."""
LOOKED = 2.0
"""Seconds after which a process looks for new keys."""


class _Kept(msgspec.Struct, frozen=True):
    """A file."""

    jwk: dict[str, str]
    made_at: datetime
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, and from when on it signs."""

    id: str
    number: int
    made_at: datetime
    signs_from: datetime
    key: RSAKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key as it is listed: next, signing, published or old."""

    id: str
    state: str
    made_at: datetime
    signs_from: datetime


class Keys:
    """The keys in a folder; the first is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[tuple[int, int], SigningKey] = {}
        """By number and time of the file: the number of a key that was removed is given again."""
        self._looked = float("-inf")

    def signing(self) -> SigningKey:
        """The key that signs now."""
        found = self._all()
        if not found:
            self._make(1, now())
            found = self._look()
        begun = [one for one in found if one.signs_from <= now()]
        return begun[-1] if begun else found[0]

    def published(self) -> KeySet:
        """The keys by which what was signed is checked: the next, the present, the ones just past.

        Their public halves are ``as_dict(private=False)``.
        """
        self.signing()
        return KeySet([one.key for one in self._all() if self._state(one) != "old"])

    def knows(self, key_id: str) -> bool:
        """Whether there is such a key; looks anew when it is not known yet."""
        return any(one.id == key_id for one in self._all()) or any(
            one.id == key_id for one in self._look()
        )

    def remembered(self) -> KeySet:
        """Every key that is still there: by these an expired ID token is known again as a hint."""
        self.signing()
        return KeySet([one.key for one in self._all()])

    def listed(self) -> list[KeyLine]:
        """Every key, the newest first."""
        return [
            KeyLine(one.id, self._state(one), one.made_at, one.signs_from)
            for one in reversed(self._look())
        ]

    def rotate(self, *, at_once: bool = False) -> KeyLine:
        """Makes the next key; it signs a day later, or at once.

        :raises ConflictError: while one is waiting to sign.
        """
        self.signing()
        newest = self._look()[-1]
        if newest.signs_from > now() and not at_once:
            raise ConflictError(f"The key {newest.id} signs from {newest.signs_from:%F %T} UTC on.")
        if not self._make(newest.number + 1, now() if at_once else now() + AHEAD):
            raise ConflictError("Another key was made this very moment.")
        return self.listed()[0]

    def retire(self, key_id: str) -> None:
        """Removes a key: what it signed is not believed any more.

        :raises NotFoundError: when there is none. :raises ConflictError: for the one that signs.
        """
        found = next((one for one in self._look() if one.id == key_id), None)
        if found is None:
            raise NotFoundError("key", key_id)
        if found.id == self.signing().id:
            raise ConflictError("This key signs. Make another with `kaijuan keys rotate --now`.")
        self._path(found.number).unlink(missing_ok=True)
        self._look()

    def _state(self, key: SigningKey) -> str:
        at = now()
        later = [x.signs_from for x in self._all() if x.number > key.number and x.signs_from <= at]
        if key.signs_from > at and key.id != self.signing().id:
            return "next"
        if not later:
            return "signing"
        return "published" if min(later) + AFTER > at else "old"

    def _all(self) -> list[SigningKey]:
        if time.monotonic() - self._looked < LOOKED:
            return list(self._read.values())
        return self._look()

    def _look(self) -> list[SigningKey]:
        """What is in the folder now, in order; what was read before is not read again."""
        with suppress(FileNotFoundError):
            paths, known = sorted(self._folder.glob("[0-9]*.json")), self._read
            there = [(int(path.stem), path.stat().st_mtime_ns) for path in paths]
            self._read = {one: known.get(one) or self._open(one[0]) for one in there}
        self._looked = time.monotonic()
        return list(self._read.values())

    def _open(self, number: int) -> SigningKey:
        kept = msgspec.json.decode(self._path(number).read_bytes(), type=_Kept)
        key = RSAKey.import_key(dict(kept.jwk))
        return SigningKey(kept.jwk["kid"], number, kept.made_at, kept.signs_from, key)

    def _make(self, number: int, signs_from: datetime) -> bool:
        """Whether this process made the key of this number: it appears whole, or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about: KeyParameters = {"kid": random_id(), "use": "sig", "alg": ALGORITHM}
        made = RSAKey.generate_key(BITS, about, private=True)
        kept = _Kept({n: str(v) for n, v in made.as_dict(private=True).items()}, now(), signs_from)
        with NamedTemporaryFile(dir=self._folder, prefix=".") as file:  # made with mode 0600
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, self._path(number))
            except FileExistsError:
                return False
        return True

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"
