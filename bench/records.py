"""Record pages and lists over HTTP, beside a bare Flask route that returns as many fixed bytes.

Every request asks for another record or another page. Growth: the last page beside the first,
all records beside a tenth of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec
from sqlalchemy import select

from app.catalog.models import RecordRow
from bench.library import Bench, Library
from bench.load import Go, Target, alternate
from bench.rows import Goal, Row
from bench.servers import Server, serving

_PAGE = 50
_DRAWN = 20_000
_ENDS = 20
"""How many pages count as the first ones, and as the last."""
RECORD, LIST, GROWTH = Goal(least=0.35), Goal(least=0.2), Goal(most=1.25)


class _Page(msgspec.Struct):
    next: str | None
    items: list[msgspec.Raw]


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of record pages and lists, and how it grows."""
    full, small = bench.full(), bench.small()
    log = bench.folder / "bare.log"
    with (
        full.serving() as ours,
        small.serving() as fewer,
        serving("bench.bare:create_app()", full.environ, "/bytes/1", log) as bare,
    ):
        records, lists = record_paths(full), list_paths(ours)
        few_records, few_lists = record_paths(small), list_paths(fewer)
        count = f"{len(lists) * _PAGE:,} records"
        page = Target(ours, records)
        yield _beside(bench, f"record page, JSON, {count}", page, bare, RECORD)
        yield _beside(bench, f"list of {_PAGE}, JSON, {count}", Target(ours, lists), bare, LIST)
        for name, one, other in (
            ("list: last pages beside the first", lists[-_ENDS - 1 : -1], lists[:_ENDS]),
            ("list: as many records beside a tenth", lists, few_lists),
            ("record page: as many records beside a tenth", records, few_records),
        ):
            where = ours if name.startswith("list: last") else fewer
            yield _growth(bench, name, Target(ours, one), Target(where, other))


def _beside(bench: Bench, measure: str, target: Target, bare: Server, goal: Goal) -> Row:
    size = _mean_size(target)
    control = Target(bare, [f"/bytes/{size}"])
    mine, theirs = alternate(target, control, seconds=bench.seconds)
    return beside(measure, mine, theirs, goal, f"{size:,} bytes; p99 {mine.p99 / 1e3:.1f} ms")


def beside(measure: str, mine: Go, theirs: Go, goal: Goal, note: str = "") -> Row:
    """Ours as a part of the control's rate, by the clock and by processor time."""
    return Row(
        measure=measure,
        ours=str(mine),
        control=str(theirs),
        value=mine.rate / theirs.rate,
        cpu=theirs.cpu_ms / mine.cpu_ms,
        goal=goal,
        note=note,
    )


def _growth(bench: Bench, measure: str, more: Target, less: Target) -> Row:
    much, little = alternate(more, less, seconds=bench.seconds)
    return Row(
        measure=measure,
        ours=str(much),
        control=str(little),
        value=much.cpu_ms / little.cpu_ms,
        goal=GROWTH,
        note=f"by processor time; by the clock {little.rate / much.rate:.2f}",
    )


def _mean_size(target: Target) -> int:
    drawn = target.paths[:: max(len(target.paths) // 50, 1)]
    return sum(len(target.server.get(path)) for path in drawn) // len(drawn)


def record_paths(library: Library, seed: int = 1) -> list[str]:
    """Record pages drawn at random, none twice."""
    with library.adapters.database.transaction(writes=False) as session:
        ids = sorted(session.scalars(select(RecordRow.id)))
    drawn = random.Random(seed).sample(ids, min(_DRAWN, len(ids)))
    return [f"/api/v1/books/{record_id}" for record_id in drawn]


def list_paths(server: Server) -> Sequence[str]:
    """Every page of the list, found as a client finds them: by following ``next``."""
    path = f"/api/v1/books?limit={_PAGE}"
    paths = [path]
    while (page := msgspec.json.decode(server.get(paths[-1]), type=_Page)).next:
        paths.append(f"{path}&cursor={quote(page.next)}")
    return paths
