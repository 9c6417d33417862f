"""Copying objects between a store and a target: many at once, verified, only what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from app.storage.keys import digest_in
from app.storage.ports import ObjectStore

THREADS = 8
SMALL = 4 * 1024 * 1024
"""Bytes up to which an object is held in memory while it is copied; each thread may hold one."""
_BATCH = 512

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that a generation needs: its key in the store, its bytes by their digest.

    ``etag`` is the store's own tag of it then: the same tag later means the same bytes.
    """

    key: str
    sha256: str
    size: int
    etag: str

    @property
    def row(self) -> tuple[str, str, int, str]:
        """As the generation's list keeps it."""
        return self.key, self.sha256, self.size, self.etag


@dataclass(frozen=True, slots=True)
class Held:
    """An object's bytes at hand: in memory, or as a file."""

    sha256: str
    size: int
    data: bytes | None = None
    path: Path | None = None

    def put(self, store: ObjectStore, key: str) -> None:
        """Stores them, verified.

        :raises IntegrityMismatchError: when they do not hash to what they are said to be.
        """
        if self.path is not None:
            store.put_file(key, self.path, sha256=self.sha256)
        else:
            store.put_bytes(key, self.data or b"", sha256=self.sha256)


@contextmanager
def held(store: ObjectStore, key: str, size: int, scratch: Path) -> Iterator[Held]:
    """The bytes of an object; large ones as the store's own file, or one in ``scratch``.

    A store's own file is handed on only where its key is its digest: others may be replaced
    between being read and being copied.
    """
    if size <= SMALL:
        data = store.read(key)
        yield Held(hashlib.sha256(data).hexdigest(), len(data), data=data)
        return
    path, promised = store.local_path(key), digest_in(key)
    if path is not None and promised:
        yield Held(promised, size, path=path)
        return
    digest = hashlib.sha256()
    with NamedTemporaryFile(dir=scratch) as file:
        for chunk in store.stream(key):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        yield Held(digest.hexdigest(), file.tell(), path=Path(file.name))


def digest_within(store: ObjectStore, key: str) -> str:
    """The SHA-256 of what lies there now."""
    digest = hashlib.sha256()
    for chunk in store.stream(key):
        digest.update(chunk)
    return digest.hexdigest()


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """What the work says of each item, in their order; the first error ends it."""
    rest = iter(items)
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            while batch := list(islice(rest, _BATCH)):
                yield from pool.map(work, batch)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
