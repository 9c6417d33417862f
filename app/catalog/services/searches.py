"""Searches that many ask at the same moment: answered from the index once every few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec

from app.caching import Cache
from search.documents import Item
from search.index import Hits, Outcome, Query, SearchIndex, Suggestion

STAMP = "index"
LIFE = 3.0
"""Seconds that a search is remembered; beside it, the engine is behind by ten at most."""


class SharedSearches:
    """A SearchIndex that remembers what it found. The query holds who asks (its audience)."""

    def __init__(self, index: SearchIndex, cache: Cache) -> None:
        self._index = index
        self._cache = cache

    @property
    def generation(self) -> str:
        """See SearchIndex."""
        return self._index.generation

    def search(self, query: Query) -> Hits:
        """See SearchIndex; found a moment ago, perhaps for somebody else."""
        asked = msgspec.msgpack.encode((self.generation, query))
        key = "search:" + blake2b(asked, digest_size=16).hexdigest()
        looked = self._cache.look(key, STAMP)
        if (kept := looked.read(Hits)) is not None:
            return kept
        hits = self._index.search(query)
        self._cache.keep(key, looked, msgspec.msgpack.encode(hits), LIFE)
        return hits

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """See SearchIndex."""
        return self._index.suggest(text, audience=audience, limit=limit)

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex."""
        return self._index.write(batch)

    def count(self) -> int:
        """See SearchIndex."""
        return self._index.count()

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        return self._index.versions(ids, withdrawn=withdrawn)

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        return self._index.walk(after, limit, until)

    def close(self) -> None:
        """See SearchIndex."""
        self._index.close()
