"""``kaijuan import books``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import click
import msgspec

from app import config
from app.adapters import open_adapters
from app.catalog.services.ingest import Fate, Ingested, Intake, ingest
from app.identity import tree
from app.publications.sandbox import Examiner
from app.terminal import Meter, json_option, refusals, show

_AHEAD = 4


class BooksReport(msgspec.Struct):
    """What happened to the files; the result of ``kaijuan import books --json``."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[dict[str, str]] = []


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--library", "library_id", help="The library that owns the new records.")
@click.option("--workers", default=os.cpu_count() or 2, show_default=True, help="Files at once.")
@click.option(
    "--warnings", is_flag=True, help="Also list what is wrong with files that were taken."
)
@json_option
def books(
    paths: tuple[Path, ...], library_id: str | None, workers: int, warnings: bool, as_json: bool
) -> None:
    """Ingest publications: files, or folders with everything in them.

    EPUB, PDF, CBZ, TXT and HTML. A file that is known already is recognised, so an import that
    was stopped is simply started again.
    """
    with refusals():
        adapters = open_adapters(config.load())
        with adapters.database.transaction() as session:
            owner = library_id or tree.default(session).id
            tree.get(session, owner)
        files = list(_files(paths))
        report = BooksReport()
        with (
            adapters.scratch.folder() as scratch,
            Examiner(workers=workers, scratch=scratch) as examiner,
            Meter("files", len(files), quiet=as_json) as meter,
        ):
            intake = Intake(adapters.database, adapters.store, examiner, owner, scratch=scratch)
            for result in _in_parallel(intake, files, workers):
                _count(report, result, warnings)
                meter.at(report.read)
                if not as_json and result.fate is not Fate.KNOWN:
                    click.echo(_line(result))
        show(report, as_json, lambda: iter(_summary(report)))
    raise SystemExit(1 if report.refused else 0)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every regular file below the paths, in order; links are not followed."""
    for path in paths:
        if path.is_file():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if not name.startswith(".") and file.is_file() and not file.is_symlink():
                    yield file


def _in_parallel(intake: Intake, files: list[Path], workers: int) -> Iterator[Ingested]:
    """Results as they come, with no more files under way than are worth waiting for."""
    waiting: set[Future[Ingested]] = set()
    rest = iter(files)
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                while len(waiting) < workers * _AHEAD and (file := next(rest, None)):
                    waiting.add(pool.submit(ingest, intake, file))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _count(report: BooksReport, result: Ingested, warnings: bool) -> None:
    report.read += 1
    match result.fate:
        case Fate.ADDED:
            report.added += 1
        case Fate.ATTACHED | Fate.MENDED:
            report.changed += 1
        case Fate.KNOWN:
            report.unchanged += 1
        case Fate.REFUSED:
            report.refused += 1
    if result.fate is Fate.REFUSED or warnings:
        report.problems += [
            {
                "place": f"{result.path}: {finding.place}" if finding.place else result.path,
                "code": finding.code,
                "message": finding.message,
            }
            for finding in result.findings
        ]


def _line(result: Ingested) -> str:
    notes = Counter(finding.code for finding in result.findings)
    said = f"  [{', '.join(sorted(notes))}]" if notes else ""
    return f"{result.fate:9} {result.path}{' → ' + result.title if result.title else ''}{said}"


def _summary(report: BooksReport) -> Iterator[str]:
    yield (
        f"{report.read:,} files: {report.added:,} added, {report.changed:,} attached to records "
        f"or mended, {report.unchanged:,} known already, {report.refused:,} refused."
    )
    for problem in report.problems:
        yield f"  {problem['place']}: {problem['code']}: {problem['message']}"
