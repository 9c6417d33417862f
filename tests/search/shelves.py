"""Sources of documents for the tests of rebuilding and comparing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from search.alias import AliasedIndex
from search.comparison import Standing
from search.documents import Document, Item, Tombstone


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


def withdrawn(document: Document, version: int = 2) -> Tombstone:
    """The tombstone of a document."""
    return Tombstone(document.id, version)
