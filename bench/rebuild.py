"""Building the index anew (``kaijuan reindex``), beside the engine fed with ready documents."""

from __future__ import annotations

import time
from collections.abc import Iterator

from app.catalog.services import indexing
from bench.imports import beside, count_of
from bench.library import Bench, Library
from bench.processes import Spent
from bench.rows import Goal, Row
from bench.search_speed import fill


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of a verified rebuild, from the database to the swap."""
    library = bench.full()
    count = count_of(library)
    spent = library.run("reindex", "--json")
    goal = Goal(least=0.7)
    yield beside(f"index rebuilt, {count:,} records", count, spent, _bare(bench, library), goal)
    yield Row(measure="memory of the rebuild", ours=f"{spent.peak_mib:.0f} MiB at most")


def _bare(bench: Bench, library: Library) -> Spent:
    """The documents, ready in memory, written in batches into an index of their own."""
    path = bench.folder / "bare-rebuild.sqlite"
    for left in bench.folder.glob("bare-rebuild*"):
        left.unlink()
    ready = list(indexing.every_document(library.adapters.database))
    started = time.perf_counter()
    cpu = fill(path, ready)
    return Spent(time.perf_counter() - started, cpu, 0, 0, b"")
