"""``kaijuan import list`` and ``undo``: batches that were imported."""

from __future__ import annotations

import click

from app import config
from app.catalog.queries import imports as queries
from app.catalog.services import undoing
from app.database import Database
from app.identity.cli.readers import show_imports, undo_readers
from app.identity.queries import reader_imports
from app.identity.scope import EVERYWHERE
from app.terminal import json_option, refusals, show


@click.command("list")
@click.option("--problems", "import_id", help="What this import refused.")
@click.option("--readers", is_flag=True, help="Imports of readers instead of records.")
@json_option
def listed(import_id: str | None, readers: bool, as_json: bool) -> None:
    """List imports, the newest first, or what one of them refused."""
    with refusals():
        database = Database(config.load().database_url)
        with database.transaction(writes=False) as session:
            if readers or (import_id and reader_imports.is_one(session, import_id)):
                show_imports(session, import_id, as_json)
                return
            if import_id:
                found = queries.problems(session, EVERYWHERE, import_id, 0, 10_000)
                rows = [f"{x.place}: {x.code}: {x.message}" for x in found.items]
                show(found, as_json, lambda: iter(rows))
                return
            batches = queries.listed(session, EVERYWHERE, None, 100)
        lines = [
            f"{x.id}  {x.started_at[:19]}  {x.state:8} {x.read:>9,} read {x.added:>9,} added "
            f"{x.refused:>6,} refused  {x.name}"
            for x in batches.items
        ]
        show(batches, as_json, lambda: iter(lines or ["Nothing was imported yet."]))


@click.command()
@click.argument("import_id")
@json_option
def undo(import_id: str, as_json: bool) -> None:
    """Undo an import: what it added is withdrawn, what it changed goes back."""
    with refusals():
        database = Database(config.load().database_url)
        with database.transaction(writes=False) as session:
            is_of_readers = reader_imports.is_one(session, import_id)
        if is_of_readers:
            undo_readers(database, import_id, as_json)
            return
        done = undoing.undo(database, import_id, None)
        line = f"{done.withdrawn:,} withdrawn, {done.restored:,} put back, {done.kept:,} kept."
        show(done, as_json, lambda: iter([line]))
