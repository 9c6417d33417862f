"""An index that stands for whichever generation is live.

A folder holds the generations and one pointer file that names the live one, the one being built
and the one before it. The pointer is replaced atomically, and who reads or writes looks at it each
time, so that every process follows a change without being told.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock

import msgspec

from search.documents import Item
from search.files import sync_folder
from search.index import Hits, Outcome, Query, SearchIndex, Status, Suggestion

_POINTER = "generations.json"
_FIRST = "g000001"

#: Opens, and if need be makes, the generation of that name.
OpenGeneration = Callable[[str], SearchIndex]
#: Removes what is stored of the generation of that name, if anything is.
RemoveGeneration = Callable[[str], None]


class Generations(msgspec.Struct, frozen=True):
    """Which generations there are: names, empty where there is none."""

    live: str = _FIRST
    building: str = ""
    previous: str = ""


class AliasedIndex:
    """A SearchIndex over the live generation of ``folder``.

    Reads go to the live generation; writes to it and to the one being built, and are accepted only
    when both have them. Opening and removing a generation by name are the engine's own.
    """

    def __init__(
        self, folder: Path, open_generation: OpenGeneration, remove_generation: RemoveGeneration
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._pointer = folder / _POINTER
        self._open_generation = open_generation
        self._remove_generation = remove_generation
        self._lock = Lock()
        self._seen: tuple[int, int] = (0, 0)
        self._generations = Generations()
        self._indexes: dict[str, SearchIndex] = {}

    @property
    def generations(self) -> Generations:
        """What the pointer says now."""
        try:
            state = self._pointer.stat()
        except FileNotFoundError:
            return self._generations
        seen = (state.st_mtime_ns, state.st_ino)
        if seen != self._seen:
            self._generations = msgspec.json.decode(self._pointer.read_bytes(), type=Generations)
            self._seen = seen
            self._forget(set(self._indexes).difference(msgspec.structs.astuple(self._generations)))
        return self._generations

    def point(self, generations: Generations) -> None:
        """Replace the pointer: durable, and never half written."""
        fresh = self._pointer.with_suffix(f".{os.getpid()}.new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(generations))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._pointer)
        sync_folder(self._pointer.parent)

    def named(self, name: str) -> SearchIndex:
        """One generation by name, opened once."""
        found = self._indexes.get(name)
        if found is None:
            with self._lock:
                found = self._indexes.get(name)
                if found is None:
                    found = self._indexes[name] = self._open_generation(name)
        return found

    def remove(self, name: str) -> None:
        """Remove what is stored of a generation that the pointer no longer names."""
        self._forget([name])
        self._remove_generation(name)

    def _forget(self, names: Iterable[str]) -> None:
        with self._lock:
            gone = [self._indexes.pop(name) for name in names if name in self._indexes]
        for index in gone:
            index.close()

    @property
    def generation(self) -> str:
        """See SearchIndex."""
        return self.generations.live

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex: for each item the worse of what two generations say of it."""
        items = list(batch)
        generations = self.generations
        outcomes = self.named(generations.live).write(items)
        if not generations.building:
            return outcomes
        also = self.named(generations.building).write(items)
        return [
            other if other.status is Status.REFUSED else one
            for one, other in zip(outcomes, also, strict=True)
        ]

    def search(self, query: Query) -> Hits:
        """See SearchIndex."""
        return self._live().search(query)

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """See SearchIndex."""
        return self._live().suggest(text, audience=audience, limit=limit)

    def count(self) -> int:
        """See SearchIndex."""
        return self._live().count()

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        return self._live().versions(ids, withdrawn=withdrawn)

    def close(self) -> None:
        """See SearchIndex."""
        self._forget(list(self._indexes))

    def _live(self) -> SearchIndex:
        return self.named(self.generations.live)
