"""Bringing the store's objects into a target: what it has already is not read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.operating.backup.manifest import Problem
from app.operating.backup.objects import Listed, held, in_parallel
from app.operating.backup.target import Target
from app.storage.errors import IntegrityMismatchError, ObjectNotFoundError
from app.storage.keys import digest_in, key_of
from app.storage.ports import ObjectStore
from app.terminal import Meter

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object that has to be read: what the store says of it."""

    key: str
    size: int
    etag: str


class Collecting:
    """Collects objects of ``store``; ``known`` are those of the generation before, by key.

    ``problems`` are the objects that were missing or damaged.
    """

    def __init__(
        self, store: ObjectStore, target: Target, known: Mapping[str, Listed], scratch: Path
    ) -> None:
        self._store, self._target = store, target
        self._known, self._scratch = known, scratch
        self.copied = self.copied_size = 0

    def collect(
        self, keys: Iterable[str], *, quiet: bool = True
    ) -> tuple[list[Listed], list[Problem]]:
        """Has the target hold these objects; those it lacks are copied and verified.

        :raises BackupError: when there is no room for them.
        """
        looked = list(in_parallel(self._look, keys))
        wanted = [one for one in looked if isinstance(one, _Wanted)]
        size = sum(one.size for one in wanted)
        self._target.require(size)
        done: list[Listed | Problem] = [one for one in looked if not isinstance(one, _Wanted)]
        before = self.copied_size
        with Meter("MiB of objects", size // MIB, quiet=quiet or not wanted) as meter:
            for one in in_parallel(self._copy, wanted):
                done.append(one)
                if isinstance(one, Listed):
                    self.copied, self.copied_size = self.copied + 1, self.copied_size + one.size
                meter.at((self.copied_size - before) // MIB)
        listed = sorted((one for one in done if isinstance(one, Listed)), key=lambda one: one.key)
        return listed, [one for one in done if isinstance(one, Problem)]

    def _look(self, key: str) -> Listed | _Wanted | Problem:
        digest = digest_in(key)
        if digest and (size := self._target.size_of(digest)) is not None:
            return Listed(key, digest, size, digest)
        try:
            found = self._store.stat(key)
        except ObjectNotFoundError:
            return _missing(key)
        known = self._known.get(key)
        is_same = known and (known.etag, known.size) == (found.etag, found.size)
        if known and is_same and self._target.size_of(known.sha256) == known.size:
            return known
        return _Wanted(key, found.size, found.etag)

    def _copy(self, wanted: _Wanted) -> Listed | Problem:
        key = wanted.key
        try:
            with held(self._store, key, wanted.size, self._scratch) as found:
                if digest_in(key) not in (None, found.sha256):
                    return _damaged(key)
                found.put(self._target.store, key_of(found.sha256))
        except IntegrityMismatchError:
            return _damaged(key)
        except ObjectNotFoundError:
            return _missing(key)
        return Listed(key, found.sha256, found.size, wanted.etag)


def _missing(key: str) -> Problem:
    return Problem(key, "missing", "The database names it, and it is not in the store.")


def _damaged(key: str) -> Problem:
    return Problem(key, "damaged", "Its bytes in the store are not those of its digest.")
