"""Ingesting real EPUBs, covers and text included, beside one ``calibredb add -r`` of the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench import processes
from bench.library import Bench, Library
from bench.processes import Spent
from bench.rows import CannotRunError, Goal, Row, missed

PEER, GROWTH = Goal(least=10), Goal(most=1.25)


class _Report(msgspec.Struct):
    read: int
    added: int
    changed: int
    refused: int

    @property
    def taken(self) -> int:
        return self.added + self.changed


def rows(bench: Bench) -> Iterator[Row]:
    """Books per second in an empty and in a full library, and processor time per book."""
    empty = bench.fresh("ingest-empty")
    report, alone = _ingest(bench, empty)
    measure = f"ingest of {report.taken} EPUBs ({report.refused} of {report.read} refused)"
    try:
        theirs, count = _calibre(bench)
    except CannotRunError as reason:
        yield missed(f"{measure}, beside calibredb", PEER, str(reason), _rate(report.taken, alone))
    else:
        yield Row(
            measure=f"{measure}, beside calibredb",
            ours=_rate(report.taken, alone),
            control=_rate(count, theirs),
            value=(report.taken / alone.seconds) / (count / theirs.seconds),
            cpu=(theirs.cpu / count) / (alone.cpu / report.taken),
            goal=PEER,
            note="calibredb takes no text, no byte index and no safe copy; an empty library each",
        )
    full = bench.copy(bench.full(), f"shelf{bench.size}")
    more, beside = _ingest(bench, full)
    full.complete()
    yield Row(
        measure="the same in a full library, beside the empty one",
        ours=_rate(more.taken, beside),
        control=_rate(report.taken, alone),
        value=beside.cpu / more.taken / (alone.cpu / report.taken),
        goal=GROWTH,
        note=f"by processor time; by the clock {beside.seconds / alone.seconds:.2f}",
    )


def _ingest(bench: Bench, library: Library) -> tuple[_Report, Spent]:
    spent = library.run("import", "books", bench.books(), "--json", fine=(0, 1))
    return msgspec.json.decode(spent.output, type=_Report), spent


def _rate(books: int, spent: Spent) -> str:
    return f"{books / spent.seconds:.1f} books/s, {spent.cpu / books * 1e3:.0f} ms CPU"


def _calibre(bench: Bench) -> tuple[Spent, int]:
    if not shutil.which("calibredb"):
        raise CannotRunError("calibredb is not on PATH (Debian's package is `calibre`)")
    folder = bench.folder / "calibre"
    shutil.rmtree(folder, ignore_errors=True)
    environ = {
        **os.environ,
        "CALIBRE_CONFIG_DIRECTORY": str(folder / "config"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    library = folder / "library"
    command = ["calibredb", "add", "-r", str(bench.books()), "--with-library", str(library)]
    spent = processes.run([*command, "--duplicates"], environ)
    return spent, sum(1 for _ in Path(library).rglob("metadata.opf"))
