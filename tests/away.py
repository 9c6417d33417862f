"""Engines that are away, each in its own way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.storage.errors import StoreUnavailableError
from search.index import IndexUnavailableError


class Switched:
    """A port whose engine is away while ``error`` is set; counts what reached it then."""

    def __init__(self, port: Any, error: Exception) -> None:
        self._port = port
        self.error: Exception | None = error
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        if self.error is None or name == "close":
            return getattr(self._port, name)
        self.tries += 1
        raise self.error


def index_away(index: Any) -> Switched:
    """This index, away until its ``error`` is taken back."""
    return Switched(index, IndexUnavailableError("tests", "away"))


def store_away(store: Any) -> Switched:
    """This store, away until its ``error`` is taken back."""
    return Switched(store, StoreUnavailableError("away", retryable=True))


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]
