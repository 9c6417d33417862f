"""Building the index of many records anew on Elasticsearch, killed once at a random moment.

Beside the bulk API fed with ready documents. The clock runs from the first start to the swap, with
what the kill cost in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

from bench import processes
from bench.bulk import bare_bulk
from bench.engines_imports import beside
from bench.library import KAIJUAN, Bench, say
from bench.processes import Spent
from bench.rows import Goal, Row

GOAL = Goal(least=0.7)
_EARLIEST, _LATEST = 0.2, 0.7
"""When it is killed, as parts of what the bare engine needs for as many documents."""
_STARTING = 3.0
"""Seconds before a command writes anything, generously."""


class _Rebuilt(msgspec.Struct):
    done: int
    begun: int


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of a verified rebuild that had to go on, and its memory."""
    library = bench.searchable(bench.on_engines(bench.many))
    count = library.count()
    some, bare = bare_bulk(bench)
    moment = _STARTING + random.uniform(_EARLIEST, _LATEST) * count * bare.seconds / some
    say(f"rebuild of {count:,} documents, killed after {moment:.0f} s")
    first = processes.killed((*KAIJUAN, "reindex"), library.environ, moment)
    say("the same, going on")
    second = library.run("reindex", "--json")
    rebuilt = msgspec.json.decode(second.output, type=_Rebuilt)
    both = Spent(first.seconds + second.seconds, first.cpu + second.cpu, 0, 0, b"")
    note = f"killed after {first.seconds:.0f} s; the control takes {some:,}"
    measure = f"index rebuilt, {count:,} records, Elasticsearch, killed once"
    yield beside(measure, (count, both), (some, bare), GOAL, note)
    yield Row(
        measure="the killed rebuild went on where it was",
        ours=f"{rebuilt.begun:,} of {rebuilt.done:,} were written before",
        value=rebuilt.begun / rebuilt.done,
        goal=Goal(least=0.01),
    )
    peak = max(first.peak_mib, second.peak_mib)
    yield Row(measure=f"memory of that rebuild, {count:,} records", ours=f"{peak:.0f} MiB at most")
