"""Both engines of search on the same records: known items on Elasticsearch, and how they agree.

A first result is the same when its folded title is: of records that are equal in what was asked
for, either is right, and the engines break such ties by keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.catalog.services import indexing
from bench.known_items import KnownItem, KnownItems, Way, judged, one_character_recall, successes
from bench.library import Bench, say
from bench.rows import Goal, Row
from bench.search_speed import batches
from search.alias import AliasedIndex
from search.backends.elasticsearch import open_generations
from search.documents import Document
from search.index import Query, SearchIndex

_LEAST = {Way.WRONG_CHARACTER: 0.6}
_NAME = "backends"


def rows(bench: Bench) -> Iterator[Row]:
    """Known items by the way they are asked for; then the first results of both engines."""
    library = bench.full()
    given = list(indexing.every_document(library.adapters.database))
    items = KnownItems(given)
    drawn = {way: list(items.draw(way)) for way in Way}
    titles = {document.id: judged(document.title) for document in given}
    with _filled(bench, given) as index:
        yield from _found(index, drawn, titles)
        recall = one_character_recall(index, given)
        yield Row(
            measure="one character on Elasticsearch: recall", value=recall, goal=Goal(least=1)
        )
        yield _agreement(library.adapters.index, index, drawn, titles)


@contextmanager
def _filled(bench: Bench, given: Sequence[Document]) -> Iterator[AliasedIndex]:
    """An index of its own on Elasticsearch with all documents, for as long as it is needed."""
    index = open_generations(bench.engines.of(_NAME)["KAIJUAN_SEARCH_URL"])
    live = index.generations.live
    index.remove(live)  # what a run that was stopped has left
    try:
        say(f"{len(given):,} documents into Elasticsearch")
        for batch in batches(given):
            index.write(batch)
        yield index
    finally:
        index.remove(live)
        index.close()


def _found(
    index: SearchIndex, drawn: dict[Way, list[KnownItem]], titles: dict[str, str]
) -> Iterator[Row]:
    hits, asked = 0, 0
    for way, items in drawn.items():
        missing, count = successes(index, items, titles)
        name = f"known items on Elasticsearch, {way}"
        yield _share(name, count - len(missing), count, _LEAST.get(way, 0.9))
        if way is not Way.WRONG_CHARACTER:
            hits, asked = hits + count - len(missing), asked + count
    yield _share("known items on Elasticsearch, all ways but a wrong character", hits, asked, 0.95)


def _agreement(
    embedded: SearchIndex,
    index: SearchIndex,
    drawn: dict[Way, list[KnownItem]],
    titles: dict[str, str],
) -> Row:
    queries = [item.query for items in drawn.values() for item in items]
    same = sum(_first(embedded, words, titles) == _first(index, words, titles) for words in queries)
    return _share("first results that both engines agree on", same, len(queries), 0.9)


def _first(index: SearchIndex, words: str, titles: dict[str, str]) -> str | None:
    hits = index.search(Query(words=words, limit=1, highlights=False)).items
    return titles[hits[0].id] if hits else None


def _share(measure: str, hits: int, asked: int, least: float) -> Row:
    value = hits / asked if asked else None
    return Row(measure=measure, ours=f"{hits} of {asked}", value=value, goal=Goal(least=least))
