"""A service that behaves as real ones do, for demonstrations and tests; it knows nobody.

What it answers is told by the sequence of the number (its 15th to 17th digit): see ``FATES``; any
other matches. ``simulator:?seed=7&faults=30`` has it fail besides in that many of a hundred
askings, always in the same ones for the same seed, each only the first times that it is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from app.verification.answers import Asked, encoded, understood
from app.verification.ports import Method, Person, Result, VerifierAwayError

SLOW = 2.0
FATES: Mapping[str, str] = {
    "901": "slow", "902": "down", "903": "busy", "904": "mismatch", "905": "garbled",
    "906": "unknown", "907": "timeout",
}  # fmt: skip
PASSING = ("slow", "down", "busy", "garbled", "timeout")
"""The faults that a seed brings."""
_ANSWERS: Mapping[str, tuple[int, bytes, str]] = {
    "match": (200, b'{"result":"match"}', ""),
    "mismatch": (200, b'{"result":"mismatch"}', ""),
    "unknown": (200, b'{"result":"unknown"}', ""),
    "down": (503, b"<html>Service Unavailable</html>", ""),
    "busy": (429, b'{"error":"rate"}', "2"),
    "garbled": (200, b'{"result":"mat', ""),
}


@dataclass(frozen=True, slots=True)
class Simulator:
    """Answers as a service would; ``pause`` is how it waits."""

    seed: int = 0
    faults: int = 0
    offers: tuple[Method, ...] = tuple(Method)
    pause: Callable[[float], None] = time.sleep
    _asked: Counter[str] = field(default_factory=Counter, repr=False)

    def verify(self, asking: str, person: Person) -> Result:
        """See :class:`app.verification.ports.Verifier`."""
        fate = self._fate(encoded(asking, person))
        if fate == "timeout":
            raise VerifierAwayError("it took too long")
        return understood(*self._answer(fate))

    def answer(self, body: bytes) -> tuple[int, bytes, str]:
        """What a server answers to what it was sent: a status, a body, ``Retry-After``."""
        return self._answer(self._fate(body))

    def _fate(self, body: bytes) -> str:
        asked = msgspec.json.decode(body, type=Asked)
        if fate := FATES.get(asked.number[14:17]):
            return fate
        self._asked[asked.id] += 1
        drawn = blake2b(f"{self.seed}:{asked.number}".encode(), digest_size=4).digest()
        if drawn[0] * 100 < self.faults * 256 and self._asked[asked.id] <= 1 + drawn[1] % 2:
            return PASSING[drawn[2] % len(PASSING)]
        return "match"

    def _answer(self, fate: str) -> tuple[int, bytes, str]:
        if fate in ("slow", "timeout"):
            self.pause(SLOW)
            return _ANSWERS["match"]
        return _ANSWERS[fate]
