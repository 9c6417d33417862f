"""``kaijuan import records``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy.orm import Session

from app import config
from app.adapters import open_adapters
from app.catalog import formats
from app.catalog.services.importing import Report, import_records
from app.identity import tree
from app.terminal import Meter, json_option, refusals, show


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "name", type=click.Choice(formats.NAMES), help="Found by looking if left out."
)
@click.option("--library", "library_id", help="The library that owns the records.")
@click.option("--dry-run", is_flag=True, help="Read and judge everything, change nothing.")
@json_option
def records(
    file: Path, name: str | None, library_id: str | None, dry_run: bool, as_json: bool
) -> None:
    """Import catalogue records from FILE: JSON lines (also gzipped) or CSV."""
    with refusals():
        adapters = open_adapters(config.load())
        with adapters.database.transaction(writes=not dry_run) as session:
            owner = _owner(session, library_id, dry_run)
        source = formats.open_format(file, name, library=owner)
        with Meter("records", None, quiet=as_json) as meter:
            report = import_records(
                adapters.database,
                source,
                file,
                library_id=owner,
                dry_run=dry_run,
                progress=lambda so_far: meter.at(so_far.read),
            )
        show(report, as_json, lambda: _lines(report, dry_run))
    raise SystemExit(1 if report.refused else 0)


def _owner(session: Session, library_id: str | None, dry_run: bool) -> str:
    """A rehearsal makes no library either where there is none."""
    if library_id:
        return tree.get(session, library_id).id
    return tree.default_id(session) if dry_run else tree.default(session).id


def _lines(report: Report, dry_run: bool) -> Iterator[str]:
    would = "would be " if dry_run else ""
    yield (
        f"{report.read:,} read: {report.added:,} {would}added, {report.changed:,} {would}changed, "
        f"{report.unchanged:,} unchanged, {report.refused:,} refused."
    )
    for problem in report.problems[:50]:
        yield f"  {problem.place}: {problem.code}: {problem.message}"
    if (more := report.refused + report.repeated - 50) > 0:
        yield f"  … and {more:,} more: kaijuan import list --problems {report.id}"
    if report.id:
        yield f"Import {report.id}; undo it with: kaijuan import undo {report.id}"
