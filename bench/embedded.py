"""The embedded default with many records: what it is honestly good for.

It is promised to 200,000 records, so that these are figures without goals.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.imports import rate
from bench.library import Bench, Library, drain, say
from bench.queries import common_words, known_items
from bench.rows import Row
from bench.search import FEW_HITS, file_of, over_http, speed
from search.index import Query


def rows(bench: Bench) -> Iterator[Row]:
    """Import, sizes, and searches of a large library on one machine's own engines."""
    many = bench.many
    library = Library(bench.folder / f"embedded-{many}")
    if not library.is_complete:
        yield from _made(bench)
    index = library.adapters.index
    yield Row(
        measure=f"embedded, {many:,} records: sizes",
        ours=f"database {_mib(library.database)}, index {_mib(file_of(library, index))}",
    )
    few = [w for w in known_items(many) if index.search(Query(words=w)).total <= FEW_HITS]
    path = file_of(library, index)
    sets = (
        (f"known items of ≤ 30 hits, embedded, {many:,} records", few),
        (f"commonest words, embedded, {many:,} records", common_words(many)),
    )
    say(f"search on the embedded index, {[len(words) for _, words in sets]} queries")
    for name, words in sets:
        yield from speed(name, words, None, index, path)
    with library.serving() as server:
        for name, words in sets:
            yield over_http(bench, name, words, None, server)


def _made(bench: Bench) -> Iterator[Row]:
    many, records = bench.many, bench.many_records()
    library = bench.fresh(f"embedded-{many}")
    say(f"import of {many:,} records, embedded")
    spent = library.run("import", "records", records, "--json")
    library.complete("records")
    yield Row(
        measure=f"import of {many:,} records, embedded",
        ours=rate(many, spent),
        note=f"{spent.peak_mib:.0f} MiB at most",
    )
    say(f"{many:,} records into the embedded index")
    drained = drain(library)
    library.complete()
    yield Row(
        measure=f"index drained, {many:,} records, embedded",
        ours=rate(many, drained),
        note=f"{drained.peak_mib:.0f} MiB at most",
    )


def _mib(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:,.0f} MiB"
