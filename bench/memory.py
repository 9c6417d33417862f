"""Memory: a web worker's share after a mix of requests, and an ingest of hostile files."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from bench.chapters import drawn_chapters
from bench.library import Bench
from bench.load import Target
from bench.records import record_paths
from bench.rows import Goal, Row

_WORDS = ("红楼梦", "史记", "history", "hongloumeng", "中国", "紅", "shakespeare", "县志", "诗")
_ROUNDS = 3
PSS, GROWTH = Goal(most=160, unit=" MiB"), Goal(most=1.05)
HOSTILE = ("malicious", "invalid-epubs")


def rows(bench: Bench) -> Iterator[Row]:
    """The worst worker after the mix, and how it grew; the peak of an ingest."""
    library = bench.shelf()
    records = record_paths(library)[:2_000]
    chapters = drawn_chapters(library)
    searches = [f"/api/v1/search?q={quote(word)}" for word in _WORDS]
    mix = [
        path
        for number, record in enumerate(records)
        for path in (
            record,
            chapters[number % len(chapters)],
            searches[number % len(searches)],
            "/api/v1/books?limit=50" if number % 2 else "/",
        )
    ]
    with library.serving() as server:
        target = Target(server, mix)
        shares = []
        for _ in range(1 + _ROUNDS):
            target.go(bench.seconds * 3, 16)
            shares.append(max(server.workers_pss()))
    said = " → ".join(f"{share:.0f}" for share in shares)
    yield Row(
        measure="a web worker's memory (PSS) after a mix",
        ours=f"{said} MiB",
        value=shares[-1],
        goal=PSS,
        note=f"{target.asked:,} requests: records, chapters, searches, lists, pages",
    )
    yield Row(
        measure="how it grew after the first part of the mix",
        ours=f"{shares[0]:.0f} → {shares[-1]:.0f} MiB",
        value=shares[-1] / shares[0],
        goal=GROWTH,
    )
    yield _hostile(bench)


class _Report(msgspec.Struct):
    read: int
    refused: int


def _hostile(bench: Bench) -> Row:
    library = bench.fresh("hostile")
    folders = [bench.material(name) for name in HOSTILE]
    spent = library.run("import", "books", *folders, "--json", fine=(0, 1))
    report = msgspec.json.decode(spent.output, type=_Report)
    return Row(
        measure="ingest of hostile and invalid files: memory at most",
        ours=f"{spent.own_peak_mib:.0f} MiB, a child {spent.peak_mib:.0f} MiB",
        note=f"{report.read} files, {report.refused} refused, {spent.seconds:.0f} s",
    )
