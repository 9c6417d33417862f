"""An index that stands for whichever generation is live.

A pointer, kept where every process sees it, names the live generation, the one being built and the
one before it. It is replaced as a whole, and who reads or writes looks at it each time, so that
every process follows a change without being told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Protocol

import msgspec

from search.documents import Item
from search.index import (
    Hits,
    IndexUnfilledError,
    Outcome,
    Query,
    SearchIndex,
    Status,
    Suggestion,
)

FIRST = "g000001"

#: Opens, and if need be makes, the generation of that name.
OpenGeneration = Callable[[str], SearchIndex]
#: Removes what is stored of the generation of that name, if anything is.
RemoveGeneration = Callable[[str], None]


class Generations(msgspec.Struct, frozen=True):
    """Which generations there are: names, empty where there is none.

    ``unfilled`` is the live one while it is new, or was seen to have lost what it held, and nobody
    who knows the source has said that it holds everything. A swap ends that too.
    """

    live: str = FIRST
    building: str = ""
    previous: str = ""
    unfilled: str = ""


class Pointer(Protocol):
    """Where the generations are named, and where a rebuild remembers how far it has come.

    Every method raises IndexUnavailableError when the engine is away. Where nothing is named as
    live, or what is named is not there, the live one is ``unfilled``.
    """

    def read(self, *, fresh: bool) -> Generations:
        """What is named now; without ``fresh`` it may be a second old, as readers may see it.

        Writers ask for what is fresh, or a generation being built would miss their batch.
        """
        ...

    def replace(self, generations: Generations) -> None:
        """Name these from now on: durable, and never half done."""
        ...

    def checkpoint(self) -> bytes | None:
        """What :meth:`remember` was last given, if it has not been forgotten."""
        ...

    def remember(self, checkpoint: bytes | None) -> None:
        """Keep this beside the pointer, or forget what was kept."""
        ...

    def close(self) -> None:
        """Let go of connections and files. Closing twice does nothing."""
        ...


class AliasedIndex:
    """A SearchIndex over the live generation.

    Reads go to the live generation; writes to it and to the one being built, and are accepted only
    when both have them. Opening and removing a generation by name are the engine's own. A
    ``strict`` one answers no reader while the live generation is unfilled, for that it finds
    nothing would be untrue: IndexUnfilledError.
    """

    def __init__(
        self,
        pointer: Pointer,
        open_generation: OpenGeneration,
        remove_generation: RemoveGeneration,
        *,
        strict: bool = False,
    ) -> None:
        self.pointer = pointer
        self._open_generation = open_generation
        self._remove_generation = remove_generation
        self._strict = strict
        self._lock = Lock()
        self._known = Generations()
        self._indexes: dict[str, SearchIndex] = {}

    @property
    def generations(self) -> Generations:
        """What the pointer says now."""
        return self._look(fresh=True)

    def _look(self, *, fresh: bool) -> Generations:
        seen = self.pointer.read(fresh=fresh)
        if seen != self._known:
            gone = set(self._indexes).difference(msgspec.structs.astuple(seen))
            if seen.unfilled != self._known.unfilled:
                gone.add(seen.unfilled)  # what was opened by that name may be no more
            self._known = seen
            self._forget(gone)
        return seen

    def named(self, name: str) -> SearchIndex:
        """One generation by name, opened once."""
        found = self._indexes.get(name)
        if found is None:
            with self._lock:
                found = self._indexes.get(name)
                if found is None:
                    found = self._indexes[name] = self._open_generation(name)
        return found

    def reopened(self, name: str) -> SearchIndex:
        """The same, opened anew and made if need be, whatever is known of it."""
        self._forget([name])
        return self.named(name)

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
        seen = self._look(fresh=False)
        if self._strict and seen.unfilled:
            raise IndexUnfilledError("search")
        return seen.live

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

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        return self._live().walk(after, limit, until)

    def close(self) -> None:
        """See SearchIndex."""
        self._forget(list(self._indexes))
        self.pointer.close()

    def _live(self) -> SearchIndex:
        return self.named(self.generation)
