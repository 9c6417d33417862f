"""The port on one index of Elasticsearch: any number of writers and readers, on any machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock

import msgspec

from search.backends.elasticsearch.answers import Asking, Body
from search.backends.elasticsearch.bulk import Bulk
from search.backends.elasticsearch.client import ENGINE, TENDING, Client, place
from search.backends.elasticsearch.filters import LIVE, Clause
from search.backends.elasticsearch.names import Names
from search.backends.elasticsearch.schema import CURRENT, Meta
from search.backends.elasticsearch.searching import answer
from search.backends.elasticsearch.suggestions import suggestions
from search.documents import Item
from search.index import (
    Hits,
    IndexOutdatedError,
    IndexUnavailableError,
    Outcome,
    Query,
    Suggestion,
)

_MOST_AT_ONCE = 1_000


class _Mappings(msgspec.Struct, frozen=True):
    meta: Meta = msgspec.field(name="_meta", default=Meta())


class _Described(msgspec.Struct):
    mappings: _Mappings


class _Held(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    version: int = msgspec.field(name="_version", default=0)
    found: bool = False
    fields: Mapping[str, Sequence[bool]] = {}
    error: object = None


class _Holding(msgspec.Struct):
    docs: list[_Held]


class _Counted(msgspec.Struct):
    count: int


class ElasticsearchIndex:
    """One generation. ``is_building`` says whether it is still being filled.

    Until then nobody searches it, so what is written need not be made findable batch by batch.
    Raises IndexOutdatedError when another release made it, IndexUnavailableError when it is gone.
    """

    def __init__(
        self, client: Client, names: Names, generation: str, is_building: Callable[[], bool]
    ) -> None:
        self._client = client
        self._generation = generation
        self._index = names.index(generation)
        self._is_building = is_building
        described = client.ask("GET", place(self._index, "_mapping"), answer=dict[str, _Described])
        if [one.mappings.meta for one in described.values()] != [CURRENT]:
            raise IndexOutdatedError(ENGINE)
        self._bulk = Bulk(client, names.writer(generation))
        self._writing, self._lock = 0, Lock()

    @property
    def generation(self) -> str:
        """See SearchIndex."""
        return self._generation

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """See SearchIndex: durable when it returns, and found in the live generation.

        Of several that write at once here the last makes what all of them wrote findable: a
        refresh for each batch costs the engine half of its time when very many are written.
        """
        items = list(batch)
        with self._lock:
            self._writing += 1
        try:
            outcomes = self._bulk.write(items)
        finally:
            with self._lock:
                self._writing -= 1
                is_last = not self._writing
        if items and is_last and not self._is_building():
            self._refresh()
        return outcomes

    def search(self, query: Query) -> Hits:
        """See SearchIndex."""
        return answer(self._client, self._index, query)

    def suggest(
        self, text: str, *, audience: Sequence[str] = ("public",), limit: int = 10
    ) -> Sequence[Suggestion]:
        """See SearchIndex."""
        return suggestions(self._client, self._index, text, audience, limit)

    def count(self) -> int:
        """See SearchIndex: all that was written before it was asked."""
        self._refresh()
        counted = self._client.ask(
            "POST", place(self._index, "_count"), {"query": LIVE}, answer=_Counted
        )
        return counted.count

    def versions(self, ids: Sequence[str], *, withdrawn: bool = False) -> Mapping[str, int]:
        """See SearchIndex."""
        found: dict[str, int] = {}
        for start in range(0, len(ids), _MOST_AT_ONCE):
            found |= self._versions(ids[start : start + _MOST_AT_ONCE], withdrawn)
        return found

    def walk(self, after: str, limit: int, until: str = "") -> Sequence[tuple[str, int]]:
        """See SearchIndex."""
        if not after:
            self._refresh()
        body: Body = {
            "size": limit,
            "query": {"bool": {"filter": [LIVE, *_within(after, until)]}},
            "sort": [{"id": "asc"}],
            "search_after": [after],
            "track_total_hits": False,
            "version": True,
            "_source": False,
        }
        (found,) = Asking(self._client, self._index, "walk").ask([body])
        return [(row.id, row.version) for row in found.rows]

    def close(self) -> None:
        """See SearchIndex: connections are the generations' together, and go with the pointer."""

    def _versions(self, ids: Sequence[str], withdrawn: bool) -> dict[str, int]:
        asked = {"ids": [one for one in ids if one]}
        if not asked["ids"]:
            return {}
        path = f"{place(self._index, '_mget')}?_source=false&stored_fields=withdrawn"
        holding = self._client.ask("POST", path, asked, answer=_Holding)
        if any(one.error is not None for one in holding.docs):
            raise IndexUnavailableError(ENGINE, "it cannot say what it holds")
        return {
            one.id: one.version
            for one in holding.docs
            if one.found and (withdrawn or not one.fields)
        }

    def _refresh(self) -> None:
        self._client.ask("POST", place(self._index, "_refresh"), timeout=TENDING)


def _within(after: str, until: str) -> list[Clause]:
    """A range of ids that ends is looked up; one without an end would cost as much as all of it."""
    return [{"range": {"id": {"gt": after, "lte": until}}}] if until else []
