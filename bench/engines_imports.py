"""Importing many records into PostgreSQL and draining them into Elasticsearch, beside both bare.

The rows that the import made are copied into the same tables, indexes and triggers of another
database, as many to a transaction; ``executemany`` and the bulk API get a part of them, since
their rates do not rise with more.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.bulk import bare_bulk
from bench.copying import Copied, Executed, Way, moved
from bench.imports import DRAIN, IMPORT, rate
from bench.library import Bench, Library, drain, say
from bench.processes import Spent
from bench.rows import Goal, Row

_MOST_EXECUTED = 100_000
_BARE = "bare"


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of an import into an empty database, and of the index."""
    records, many = bench.many_records(), bench.many
    library = bench.fresh_on_engines(many)
    say(f"import of {many:,} records into PostgreSQL")
    spent = library.run("import", "records", records, "--json")
    count = library.count()
    library.complete("records")
    named = f"import of {count:,} records, PostgreSQL"
    copied = _bare(bench, library, Copied(), count)
    yield beside(f"{named}, beside COPY", (count, spent), (count, copied), IMPORT)
    some = min(count, _MOST_EXECUTED)
    executed = _bare(bench, library, Executed(), some)
    yield beside(f"{named}, beside executemany", (count, spent), (some, executed), IMPORT)
    yield Row(measure="memory of the import", ours=f"{spent.peak_mib:.0f} MiB at most")
    say(f"{count:,} records into Elasticsearch")
    drained = drain(library)
    library.complete()
    named = f"index drained, {count:,} records, Elasticsearch"
    yield beside(named, (count, drained), bare_bulk(bench), DRAIN)


def beside(
    measure: str, ours: tuple[int, Spent], bare: tuple[int, Spent], goal: Goal, note: str = ""
) -> Row:
    """Our rate as a part of the control's; each is how many, and what they took."""
    (count, mine), (some, theirs) = ours, bare
    return Row(
        measure=measure,
        ours=rate(count, mine),
        control=rate(some, theirs),
        value=(count / mine.seconds) / (some / theirs.seconds),
        goal=goal,
        note=note or (f"the control takes {some:,}" if some != count else ""),
    )


def _bare(bench: Bench, library: Library, way: Way, count: int) -> Spent:
    engines = bench.engines
    say(f"rows of {count:,} records: {type(way).__name__.lower()}")
    engines.make(_BARE)
    Library(bench.folder / f"engines-{_BARE}", engines.of(_BARE)).run("migrate")
    try:
        return moved(engines, library.folder.name.removeprefix("engines-"), _BARE, way, count)
    finally:
        engines.drop(_BARE)
