"""The port: one request to another system, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

MOST = 256 * 1024
"""Bytes of an answer that are taken."""
PATIENCE = 10.0
"""Seconds that the whole of it may take, from looking up the name to the last byte."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is asked of a system. ``url`` is one that was registered, never one that came along.

    Address, headers and body may hold secrets: none of them shows in a log or a traceback.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    patience: float = PATIENCE
    most: int = MOST


@dataclass(frozen=True, slots=True)
class Incoming:
    """What it answered; the names of ``headers`` are in lower case. Redirects are not followed."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_fine(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class OutgoingError(Exception):
    """No answer was had: too slow, too large, away, or nothing to be asked. It names no address."""


class Web(Protocol):
    """A way to other systems."""

    def ask(self, asked: Outgoing) -> Incoming:
        """The answer, of whatever status.

        :raises OutgoingError: when there is none within bounds.
        """
