"""``python -m bench``: every measure beside its control, as a table and as JSON.

Those on engines need KAIJUAN_DATABASE_URL (PostgreSQL) and KAIJUAN_SEARCH_URL (Elasticsearch) to
name some; KAIJUAN_BENCH_RECORDS says how many records the large ones take (a million), and
KAIJUAN_BENCH_DIR where libraries are kept for the next run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.library import Bench
from bench.rows import CannotRunError, Row, missed, table

KEPT = "KAIJUAN_BENCH_DIR"
RESULTS = Path(__file__).parent / "results" / "latest.json"
MEASURES = (
    "startup", "imports", "rebuild", "records", "search", "ingest", "chapters", "memory",
    "engines_imports", "engines_rebuild", "engines_search", "backends", "embedded", "growth",
    "accounts", "readers",
)  # fmt: skip
"""In this order: the libraries that the first ones make are what the later ones run on."""


class Results(msgspec.Struct, frozen=True):
    """A whole run, as it is kept."""

    at: datetime
    machine: str
    quick: bool
    busy: float
    """Processes that wanted a processor while it ran, on average: ours among them."""
    seconds: float
    rows: list[Row]


def main() -> None:
    """Run, print, keep; exits with 1 when a goal is missed."""
    chosen, quick = _arguments()
    started, rows = time.monotonic(), list[Row]()
    with _folder() as folder:
        bench = Bench(folder, quick)
        for name in chosen:
            for row in _rows(name, bench):
                rows.append(row)
                print(f"[{name}] {table([row]).splitlines()[2].strip()}", flush=True)
        if not os.environ.get(KEPT):
            bench.leave_engines()
    machine = f"{os.cpu_count()} × {platform.machine()}, Python {platform.python_version()}"
    busy, seconds = os.getloadavg()[2], time.monotonic() - started
    results = Results(datetime.now(UTC), machine, quick, busy, seconds, rows)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    short = sum(row.is_met is False for row in rows)
    sender = "wrk" if shutil.which("wrk") else "Python threads (wrk is not installed)"
    print(f"\n{table(rows)}\n\n{machine}; load {busy:.1f}; sent by {sender}; {seconds:.0f} s.")
    print(f"{short} missed of {sum(row.goal is not None for row in rows)}; kept in {RESULTS}")
    raise SystemExit(1 if short else 0)


def _arguments() -> tuple[Sequence[str], bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", help=f"some of {','.join(MEASURES)}")
    parser.add_argument("--quick", action="store_true", help="fewer records, shorter goes")
    given = parser.parse_args()
    chosen = given.only.split(",") if given.only else MEASURES
    if unknown := sorted(set(chosen) - set(MEASURES)):
        parser.error(f"no measure is called {', '.join(unknown)}")
    return [name for name in MEASURES if name in chosen], given.quick


def _rows(name: str, bench: Bench) -> Iterator[Row]:
    """What a measure yields; one that fails is missed, and stops no other."""
    try:
        yield from importlib.import_module(f"bench.{name}").rows(bench)
    except CannotRunError as reason:
        yield missed(name, None, str(reason))
    except Exception as error:  # noqa: BLE001 - whatever it fails with, the others are measured
        yield missed(name, None, f"{type(error).__name__}: {error}")


@contextmanager
def _folder() -> Iterator[Path]:
    """Where libraries are made: a temporary folder, or one that keeps them between runs."""
    if kept := os.environ.get(KEPT):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="kaijuan-bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
