"""A source and an index in memory, for the tests of rebuilding and comparing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

from search.alias import AliasedIndex, Generations
from search.comparison import Standing
from search.documents import Document, Item, Tombstone
from search.index import Hit, Hits, Outcome, Query, SearchIndex, Status


class Shelf:
    """A source like the catalogue: a change waits until it is drained to the index."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.records: dict[str, Item] = {item.id: item for item in items}
        self.waiting: set[str] = set()
        self.at: dict[str, Callable[[], object]] = {}

    def commit(self, *items: Item) -> None:
        """Changes records, and has them wait for the index."""
        for item in items:
            self.records[item.id] = item
            self.waiting.add(item.id)

    def read(self) -> list[Item]:
        """What a drain would read now."""
        return [self.records[one] for one in sorted(self.waiting)]

    def settle(self, items: Iterable[Item]) -> None:
        """Forgets what the index has accepted, unless it has changed since."""
        for item in items:
            if self.records[item.id].version <= item.version:
                self.waiting.discard(item.id)

    def drain(self, index: AliasedIndex) -> None:
        """All that waits, to the index."""
        items = self.read()
        index.write(items)
        self.settle(items)

    def documents(self, after: str) -> Iterator[Document]:
        """See Source; at an id with something in ``at``, that happens once it has been read."""
        while following := sorted(one for one in self.records if one > after):
            after = following[0]
            item = self.records[after]
            if isinstance(item, Document):
                yield item
            if happen := self.at.pop(after, None):
                happen()

    def walk(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """See Source."""
        live = (one for one in self.records.values() if isinstance(one, Document))
        return sorted((one.id, one.version) for one in live if one.id > after)[:limit]

    def standing(self, ids: Sequence[str]) -> Mapping[str, Standing]:
        """See Source."""
        return {
            one: Standing(item.version, isinstance(item, Document), one in self.waiting)
            for one in ids
            if (item := self.records.get(one))
        }

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """See Source."""
        return [self.records[one] for one in ids if one in self.records]

    def put_off(self, refused: Mapping[str, tuple[int, str]]) -> None:
        """See Source."""
        self.waiting.update(refused)


def withdrawn(document: Item, version: int = 2) -> Tombstone:
    """The tombstone of a record."""
    return Tombstone(document.id, version)


class Noted:
    """An index in memory, of which a search finds everything: what rebuilding asks of one."""

    def __init__(self, name: str) -> None:
        self.generation = name
        self.items: dict[str, Item] = {}

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex."""
        return [Outcome(item.id, self._take(item)) for item in batch]

    def _take(self, item: Item) -> Status:
        held = self.items.get(item.id)
        if held and held.version >= item.version:
            return Status.KEPT
        self.items[item.id] = item
        return Status.WRITTEN

    def search(self, query: Query) -> Hits:
        """See SearchIndex."""
        del query
        hits = [Hit(one, 1.0, {}) for one, _ in self.walk("", len(self.items))]
        return Hits(total=len(hits), items=hits)

    def count(self) -> int:
        """See SearchIndex."""
        return len(self.walk("", len(self.items)))

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        known = (self.items[one] for one in ids if one in self.items)
        return {one.id: one.version for one in known if withdrawn or isinstance(one, Document)}

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        live = (one for one in self.items.values() if isinstance(one, Document))
        return sorted(
            (one.id, one.version)
            for one in live
            if one.id > after and (not until or one.id <= until)
        )[:limit]

    def close(self) -> None:
        """See SearchIndex."""


class Remembered:
    """A pointer in memory."""

    def __init__(self) -> None:
        self.generations, self.kept = Generations(), cast(bytes | None, None)

    def read(self, *, fresh: bool) -> Generations:
        """See Pointer."""
        del fresh
        return self.generations

    def replace(self, generations: Generations) -> None:
        """See Pointer."""
        self.generations = generations

    def checkpoint(self) -> bytes | None:
        """See Pointer."""
        return self.kept

    def remember(self, checkpoint: bytes | None) -> None:
        """See Pointer."""
        self.kept = checkpoint

    def close(self) -> None:
        """See Pointer."""


def noted() -> AliasedIndex:
    """Generations in memory."""
    return AliasedIndex(Remembered(), lambda name: cast(SearchIndex, Noted(name)), lambda _: None)
