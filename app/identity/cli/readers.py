"""``kaijuan import readers``, and how its imports are listed and undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy.orm import Session

from app import config
from app.database import Database
from app.identity import roster
from app.identity.queries import reader_imports
from app.identity.reports import ReaderReport
from app.identity.scope import EVERYWHERE
from app.identity.services import importing, undoing
from app.identity.services.audit import SYSTEM
from app.identity.services.parting import AT_MOST, Order
from app.lines import count_lines
from app.sealing import Sealer
from app.terminal import Meter, json_option, refusals, show

LISTED = 100


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--library", "library_id", required=True, help="The library whose readers they are.")
@click.option(
    "--format", "name", type=click.Choice(roster.NAMES), help="Found by looking if left out."
)
@click.option("--whole", is_flag=True, help="FILE has all readers: suspend the cards it lacks.")
@click.option(
    "--at-most",
    type=click.IntRange(0, 100),
    default=AT_MOST,
    show_default=True,
    help="With --whole: how many in a hundred may be missing.",
)
@click.option("--dry-run", is_flag=True, help="Read and judge everything, change nothing.")
@json_option
def readers(
    file: Path,
    library_id: str,
    name: str | None,
    whole: bool,
    at_most: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import a library's readers from FILE: CSV with a heading, or JSON lines.

    Columns: 读者证号 (card), 姓名 (name), 手机 (phone), 邮箱 (email), 状态 (state),
    有效期 (expires); others are left alone.
    """
    with refusals():
        settings = config.load()
        source = roster.open_roster(file, name, library_id)
        order = Order(source, file.name, SYSTEM, whole=whole, at_most=at_most)
        with Meter("readers", count_lines(file), quiet=as_json) as meter:
            report = importing.import_readers(
                Database(settings.database_url),
                Sealer(settings.identity_key),
                order,
                dry_run=dry_run,
                progress=lambda so_far: meter.at(so_far.read),
            )
        show(report, as_json, lambda: _lines(report, dry_run))
    held_back = not dry_run and report.missing > report.suspended
    raise SystemExit(1 if report.refused or held_back else 0)


def show_imports(session: Session, import_id: str | None, as_json: bool) -> None:
    """Says which files of readers were imported, or what was to be said of the rows of one."""
    if import_id:
        found, _ = reader_imports.problems(session, import_id, 0, importing.KEPT_PROBLEMS)
        show(found, as_json, lambda: (f"{x.place}: {x.code}: {x.message}" for x in found))
        return
    items, _ = reader_imports.listed(session, EVERYWHERE, None, None, LISTED)
    lines = [
        f"{x.id}  {x.started_at[:19]}  {x.state:8} {x.read:>9,} read {x.added:>9,} added "
        f"{x.refused:>6,} refused  {x.library}  {x.name}"
        for x in items
    ]
    show(items, as_json, lambda: iter(lines or ["No readers were imported yet."]))


def undo_readers(database: Database, import_id: str, as_json: bool) -> None:
    """Undoes an import of readers and says what became of them."""
    done = undoing.undo(database, SYSTEM, import_id)
    line = f"{done.removed:,} removed, {done.restored:,} put back, {done.kept:,} kept."
    show(done, as_json, lambda: iter([line]))


def _lines(report: ReaderReport, dry_run: bool) -> Iterator[str]:
    would = "would be " if dry_run else ""
    yield (
        f"{report.read:,} read: {report.added:,} {would}added, {report.changed:,} {would}changed, "
        f"{report.unchanged:,} unchanged, {report.refused:,} refused."
    )
    if report.missing:
        yield f"{report.missing:,} open cards are not in the file; {report.suspended:,} suspended."
    for problem in report.problems[:50]:
        yield f"  {problem.place}: {problem.code}: {problem.message}"
    if (more := len(report.problems) - 50) > 0:
        yield f"  … and {more:,} more: kaijuan import list --problems {report.id}"
    if report.id:
        yield f"Import {report.id}; undo it with: kaijuan import undo {report.id}"
