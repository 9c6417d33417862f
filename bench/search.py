"""Search on the embedded index of a library: what is found, how fast, and the same over HTTP.

Latencies are beside the bare FTS5 statement: the same expression over the same words, ranked, no
filters, facets or highlights.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from app.catalog.services import indexing
from bench.known_items import (
    KnownItem,
    KnownItems,
    Way,
    judged,
    one_character_recall,
    successes,
)
from bench.library import Bench, Library
from bench.load import Target, alternate, in_turn
from bench.rows import Goal, Row
from bench.search_speed import common_words, timed_in_turn
from bench.servers import Server
from search.analysis.words import read_words
from search.backends.sqlite.expressions import WORD_WEIGHTS, all_of
from search.backends.sqlite.schema import connect
from search.documents import Document
from search.index import Facet, Query, SearchIndex

FEW_HITS = 30
_ROUNDS = 4
_LEAST = {Way.WRONG_CHARACTER: 0.6}
FACETS = (Facet.KIND, Facet.SUBJECT, Facet.LANGUAGE, Facet.YEAR)
_BARE = f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {WORD_WEIGHTS}) LIMIT 20"  # noqa: S608  constants
KNOWN, COMMON = Goal(most=30, unit=" ms"), Goal(most=100, unit=" ms")


def rows(bench: Bench) -> Iterator[Row]:
    """Known items by the way they are asked for; latencies of rare and of common words."""
    library = bench.full()
    index = library.adapters.index
    given = list(indexing.every_document(library.adapters.database))
    items = KnownItems(given)
    drawn = {way: list(items.draw(way)) for way in Way}
    yield from _found(index, given, drawn)
    spoken = [
        item.query
        for way, ones in drawn.items()
        if way not in (Way.PINYIN, Way.INITIALS, Way.WRONG_CHARACTER)
        for item in ones
    ]
    few = [words for words in spoken if _total(index, words) <= FEW_HITS]
    path = file_of(library, index)
    sets = (
        ("known items of ≤ 30 hits", few, KNOWN),
        ("commonest words", common_words(path), COMMON),
    )
    for name, words, most in sets:
        yield from speed(name, words, most, index, path)
    with library.serving() as server:
        for name, words, most in sets:
            yield over_http(bench, name, words, most, server)


def _found(
    index: SearchIndex, given: Sequence[Document], drawn: dict[Way, list[KnownItem]]
) -> Iterator[Row]:
    titles = {document.id: judged(document.title) for document in given}
    hits, asked = 0, 0
    for way, items in drawn.items():
        missing, count = successes(index, items, titles)
        yield _share(f"known items, {way}", count - len(missing), count, _LEAST.get(way, 0.9))
        if way is not Way.WRONG_CHARACTER:
            hits, asked = hits + count - len(missing), asked + count
    yield _share("known items, all ways but a wrong character", hits, asked, 0.95)
    recall = one_character_recall(index, given)
    yield Row(measure="one character: recall", value=recall, goal=Goal(least=1))


def _share(measure: str, hits: int, asked: int, least: float) -> Row:
    value = hits / asked if asked else None
    return Row(measure=measure, ours=f"{hits} of {asked}", value=value, goal=Goal(least=least))


def _total(index: SearchIndex, words: str) -> int:
    return index.search(Query(words=words, highlights=False)).total


def file_of(library: Library, index: SearchIndex) -> Path:
    """The file of the generation that answers."""
    return library.folder / "search" / f"{index.generation}.sqlite"


def speed(
    name: str, words: Sequence[str], most: Goal | None, index: SearchIndex, path: Path
) -> Iterator[Row]:
    """Latencies beside the bare statement; only figures without a goal."""
    with closing(connect(path)) as bare:

        def control(text: str) -> list[object]:
            return bare.execute(_BARE, (all_of(read_words(text)),)).fetchall()

        def ours(text: str) -> int:
            return index.search(Query(words=text, facets=FACETS)).total

        control(words[0])
        ours(words[0])
        theirs, mine = timed_in_turn((control, ours), words, _ROUNDS)
    yield Row(
        measure=f"search: {name}, beside the bare statement",
        ours=f"{mine.p50:.2f} ms, {mine.cpu_p50:.2f} ms CPU",
        control=f"{theirs.p50:.2f} ms, {theirs.cpu_p50:.2f} ms CPU",
        value=mine.p50 / theirs.p50,
        cpu=mine.cpu_p50 / theirs.cpu_p50,
        goal=Goal(most=3) if most is KNOWN else None,
        note="medians; ours with highlights and four facets",
    )
    yield Row(
        measure=f"search: {name}, p99",
        ours=f"{mine.p99:.1f} ms, {mine.cpu_p99:.1f} ms CPU",
        control=f"{theirs.p99:.1f} ms, {theirs.cpu_p99:.1f} ms CPU",
        value=mine.p99,
        goal=most,
    )


def over_http(
    bench: Bench, name: str, words: Sequence[str], most: Goal | None, server: Server
) -> Row:
    """The searches as a reader's application asks for them."""
    paths = [f"/api/v1/search?q={quote(word)}" for word in words]
    in_turn(server, paths, 20)
    taken = in_turn(server, paths, len(paths))
    (go,) = alternate(Target(server, paths), seconds=bench.seconds)
    p99 = statistics.quantiles(taken, n=100)[98]
    return Row(
        measure=f"search over HTTP: {name}, p99",
        ours=f"{go}; alone p50 {statistics.median(taken):.1f} ms",
        value=p99,
        goal=most,
        note="p99 of one reader after another; the rate with 16 at once",
    )
