"""The engines behind their breakers: each guard is the port that it guards.

``create_app`` and the worker put them on, so that no caller can forget to. Commands ask engines
directly: they may wait, and ``kaijuan doctor`` wants to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import BoundedSemaphore
from typing import TypeVar

from app.breakers import Breaker, RestingError
from app.storage.errors import StoreUnavailableError
from app.storage.ports import CHUNK, OCTETS, ByteStream, ObjectStore, Stat
from search.documents import Item
from search.index import (
    Hits,
    IndexUnavailableError,
    IndexUnfilledError,
    Outcome,
    Query,
    SearchIndex,
    Suggestion,
)

T = TypeVar("T")

AT_ONCE = 6
"""Readers that one process lets ask the index at the same time: of eight threads, three quarters.
An engine that is slow and never fails would hold them all else, and no breaker would notice."""
PATIENCE = 1.0
"""Seconds to wait for one of these places; then the index is as good as away."""


class GuardedIndex:
    """A SearchIndex that is not asked while it is away, nor by too many readers at once."""

    def __init__(
        self,
        index: SearchIndex,
        breaker: Breaker | None = None,
        *,
        at_once: int = AT_ONCE,
        patience: float = PATIENCE,
    ) -> None:
        self._index = index
        self.breaker = breaker or Breaker("search")
        self._places, self._patience = BoundedSemaphore(at_once), patience

    @property
    def generation(self) -> str:
        """See SearchIndex; known from memory, mostly, while searches may fail."""
        with self._place(), self._asking(proves=False):
            return self._index.generation

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex."""
        with self._asking():
            return self._index.write(batch)

    def search(self, query: Query) -> Hits:
        """See SearchIndex."""
        with self._place(), self._asking():
            return self._index.search(query)

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """See SearchIndex."""
        with self._place(), self._asking():
            return self._index.suggest(text, audience=audience, limit=limit)

    def count(self) -> int:
        """See SearchIndex."""
        with self._place(), self._asking():
            return self._index.count()

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        with self._place(), self._asking():
            return self._index.versions(ids, withdrawn=withdrawn)

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        with self._place(), self._asking():
            return self._index.walk(after, limit, until)

    def close(self) -> None:
        """See SearchIndex."""
        self._index.close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the readers' places; who writes needs none."""
        if not self._places.acquire(timeout=self._patience):
            raise IndexUnavailableError("search", "too many wait for its answers already")
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def _asking(self, *, proves: bool = True) -> Iterator[None]:
        try:
            with self.breaker.call(_is_index_away, proves=proves):
                yield
        except RestingError as resting:
            raise IndexUnavailableError(resting.engine, str(resting)) from resting


class GuardedStore:
    """An ObjectStore that is not asked while it is away. What is full is there all the same."""

    def __init__(self, store: ObjectStore, breaker: Breaker | None = None) -> None:
        self._store = store
        self.breaker = breaker or Breaker("store")

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        """See ObjectStore."""
        return self._ask(
            lambda: self._store.put_file(key, path, sha256=sha256, media_type=media_type)
        )

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        """See ObjectStore."""
        return self._ask(
            lambda: self._store.put_bytes(key, data, sha256=sha256, media_type=media_type)
        )

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See ObjectStore."""
        return self._ask(lambda: self._store.read(key, start, length))

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> ByteStream:
        """See ObjectStore; the opening is guarded, the chunks are not."""
        return self._ask(lambda: self._store.stream(key, start, length, chunk=chunk))

    def stat(self, key: str) -> Stat:
        """See ObjectStore."""
        return self._ask(lambda: self._store.stat(key))

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self._ask(lambda: self._store.delete(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See ObjectStore; a listing may be left half-read, so it goes past the breaker."""
        return self._store.keys(prefix)

    def local_path(self, key: str) -> Path | None:
        """See ObjectStore; where a file lies asks nobody."""
        return self._store.local_path(key)

    def signed_url(
        self, key: str, *, expires: timedelta, filename: str, media_type: str, disposition: str
    ) -> str | None:
        """See ObjectStore; signing asks nobody."""
        return self._store.signed_url(
            key, expires=expires, filename=filename, media_type=media_type, disposition=disposition
        )

    def sweep(self, older_than: timedelta) -> int:
        """See ObjectStore."""
        return self._store.sweep(older_than)

    def check(self) -> None:
        """See ObjectStore."""
        self._ask(self._store.check)

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            with self.breaker.call(_is_store_away):
                return call()
        except RestingError as resting:
            raise StoreUnavailableError(str(resting), retryable=True) from resting


def _is_index_away(error: Exception) -> bool:
    """An engine that answers 4xx, whatever it dislikes, is there; 429 says that it is too busy.

    So is one whose index is to be filled.
    """
    if not isinstance(error, IndexUnavailableError) or isinstance(error, IndexUnfilledError):
        return False
    status: int | None = getattr(error, "status", None)
    return status is None or status >= 500 or status == 429


def _is_store_away(error: Exception) -> bool:
    """What trying again cannot help, as a full store or a wrong key, is an answer."""
    return isinstance(error, StoreUnavailableError) and error.retryable
