"""The embedded index on real records: filling, known items, common words, each with its control.

Controls are the engine by itself in the same run: the same ready rows inserted into the same tables
with the same commits, and the bare FTS5 statement with the same expression over the same words.
"""

import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench.known_items import KnownItem, KnownItems, Way
from bench.search_records import documents, records_file
from search.analysis.words import read_words
from search.backends.sqlite import SqliteIndex
from search.backends.sqlite.codes import Codes
from search.backends.sqlite.expressions import WORD_WEIGHTS, all_of
from search.backends.sqlite.schema import connect, create
from search.backends.sqlite.writing import Batch
from search.documents import Document
from search.index import Facet, Query, Sort

_BATCH = 2_000
_COMMON = 50
_ROUNDS = 4
_FEW_HITS = 30
_FACETS = (Facet.KIND, Facet.SUBJECT, Facet.LANGUAGE, Facet.YEAR)
_NARROWED = {
    "one kind": Query(kinds=("item",), facets=_FACETS),
    "one library, records with a year": Query(
        library_path="/gutenberg/", years=(1, None), facets=_FACETS
    ),
    "works": Query(by_work=True, facets=_FACETS),
    "by title": Query(sort=Sort.TITLE, facets=_FACETS),
}
_BARE = f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {WORD_WEIGHTS}) LIMIT 20"  # noqa: S608  constants
_MILLISECONDS = 1_000.0

Statement = tuple[str, list[tuple[object, ...]]]


class Timed(msgspec.Struct, frozen=True):
    """Milliseconds of many runs, by the clock and (steadier on a shared machine) the processor."""

    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float

    def __str__(self) -> str:
        clock = f"p50 {self.p50:8.3f} ms   p99 {self.p99:8.3f} ms"
        return f"{clock}   processor {self.cpu_p50:8.3f} and {self.cpu_p99:8.3f} ms"


class Recording(sqlite3.Connection):
    """A connection that keeps what is inserted, to insert it again by itself."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # handed through
        self.kept: list[Statement] = []

    def executemany(self, sql: str, rows: Iterable[tuple[object, ...]]) -> sqlite3.Cursor:  # type: ignore[override]
        """Keep, then do."""
        ready = list(rows)
        self.kept.append((sql, ready))
        return super().executemany(sql, ready)


def timed(work: Callable[[str], object], inputs: Sequence[str]) -> Timed:
    """Each input once, in order."""
    (taken,) = timed_in_turn((work,), inputs, 1)
    return taken


def timed_in_turn(
    works: Sequence[Callable[[str], object]], inputs: Sequence[str], rounds: int
) -> list[Timed]:
    """Each input so often, each time by every work, so that what else runs falls on all."""
    clocks: list[list[float]] = [[] for _ in works]
    cpus: list[list[float]] = [[] for _ in works]
    for one in [*inputs] * rounds:
        for work, clock, cpu in zip(works, clocks, cpus, strict=True):
            start, cpu_start = time.perf_counter(), time.thread_time()
            work(one)
            clock.append((time.perf_counter() - start) * _MILLISECONDS)
            cpu.append((time.thread_time() - cpu_start) * _MILLISECONDS)
    return [_seen(clock, cpu) for clock, cpu in zip(clocks, cpus, strict=True)]


def _seen(clock: list[float], cpu: list[float]) -> Timed:
    worst, cpu_worst = (statistics.quantiles(taken, n=100)[98] for taken in (clock, cpu))
    return Timed(statistics.median(clock), worst, statistics.median(cpu), cpu_worst)


def batches(given: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """The documents in the batches that a drain writes."""
    for start in range(0, len(given), _BATCH):
        yield given[start : start + _BATCH]


def fill(path: Path, given: Sequence[Document]) -> float:
    """Processor seconds to index all documents through the port."""
    index = SqliteIndex(path)
    start = time.process_time()
    for batch in batches(given):
        index.write(batch)
    taken = time.process_time() - start
    index.close()
    return taken


def ready_rows(path: Path, given: Sequence[Document]) -> Iterator[list[Statement]]:
    """What each batch inserts, facet values included."""
    create(path)
    connection = sqlite3.connect(path, isolation_level=None, factory=Recording)
    connection.execute("PRAGMA synchronous=OFF")
    codes = Codes()
    for batch in batches(given):
        connection.execute("BEGIN")
        Batch(connection, codes).write(batch)
        connection.execute("COMMIT")
        yield connection.kept
        connection.kept.clear()
    connection.close()


def bare_fill(path: Path, ready: Iterable[list[Statement]]) -> float:
    """Processor seconds to insert ready rows, batch by batch."""
    create(path)
    connection = connect(path, writes=True)
    taken = 0.0
    for statements in ready:
        start = time.process_time()
        connection.execute("BEGIN IMMEDIATE")
        for sql, rows in statements:
            connection.executemany(sql, rows)
        connection.execute("COMMIT")
        taken += time.process_time() - start
    connection.close()
    return taken


def common_words(path: Path) -> list[str]:
    """The tokens that most records have, as a reader would type them."""
    connection = connect(path)
    rows = connection.execute(
        "SELECT term FROM vocabulary WHERE term NOT LIKE 'ˢ%' ORDER BY doc DESC LIMIT ?", (_COMMON,)
    ).fetchall()
    connection.close()
    return [term for (term,) in rows]


def known_words(given: Sequence[Document]) -> list[KnownItem]:
    """Queries of every way that needs no correction, shuffled."""
    items = KnownItems(given)
    drawn = [item for way in Way if way is not Way.WRONG_CHARACTER for item in items.draw(way)]
    random.Random(1).shuffle(drawn)
    return drawn


def narrowed(index: SqliteIndex, query: Query) -> Callable[[str], object]:
    """Searching for words under the rest of a query."""
    return lambda words: index.search(replace(query, words=words))


def compare(path: Path, known: list[KnownItem]) -> None:
    """Print the latencies of both sets of queries, ours and bare."""
    index, bare = SqliteIndex(path), connect(path)

    def ours(words: str) -> int:
        return index.search(Query(words=words, facets=_FACETS)).total

    def control(words: str) -> list[object]:
        return bare.execute(_BARE, (all_of(read_words(words)),)).fetchall()

    spoken = [item for item in known if item.way not in (Way.PINYIN, Way.INITIALS)]
    few = [item.query for item in spoken if ours(item.query) <= _FEW_HITS]
    sets = {
        "known items, at most 30 hits": few,
        "pinyin and initials": [item.query for item in known if item not in spoken],
        "commonest words": common_words(path),
    }
    for name, words in sets.items():
        control(words[0]), ours(words[0])
        theirs, mine = timed(control, words * _ROUNDS), timed(ours, words * _ROUNDS)
        print(f"{name} ({len(words)})\n    bare {theirs}\n    ours {mine}")
        print(f"    ratio of medians {mine.cpu_p50 / theirs.cpu_p50:.2f}, by the processor")
    commonest = sets["commonest words"] * _ROUNDS
    for name, narrowing in _NARROWED.items():
        print(f"commonest words, {name}\n    ours {timed(narrowed(index, narrowing), commonest)}")
    beginnings = sorted({word[0] for word in commonest}) * _ROUNDS
    print(f"suggestions for one character\n    ours {timed(index.suggest, beginnings)}")
    bare.close()
    index.close()


def main() -> None:
    """Print every figure of the embedded index on the shared records."""
    given = list(documents(records_file()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = fill(folder / "ours.sqlite", given)
        bare = bare_fill(folder / "bare.sqlite", ready_rows(folder / "kept.sqlite", given))
        size = (folder / "ours.sqlite").stat().st_size / 1_000_000
        print(f"{len(given)} records, {size:.0f} MB, filled in {ours:.1f} s of processor")
        print(
            f"    bare in {bare:.1f} s: rate {bare / ours:.2f} of bare, {len(given) / ours:.0f}/s"
        )
        compare(folder / "ours.sqlite", known_words(given))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process, all records in it: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
