"""``kaijuan demo``: the demonstration library, loaded as any library is."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
import msgspec
from sqlalchemy import select

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog import formats
from app.catalog.models import RecordRow
from app.catalog.services import classifying, healing, indexing
from app.catalog.services.importing import import_records
from app.catalog.services.ingest import Intake, ingest
from app.config import Settings
from app.demonstration import Material, material
from app.identity.network import import_network
from app.publications.sandbox import Examiner
from app.terminal import json_option, refusals, show
from search.alias import AliasedIndex


class Loaded(msgspec.Struct):
    """What was loaded."""

    libraries: int = 0
    records: int = 0
    books: int = 0


def load_when_empty(settings: Settings) -> None:
    """Loads the demonstration library into an installation without any record."""
    adapters = open_adapters(settings)
    with adapters.database.transaction(writes=False) as session:
        if session.scalar(select(RecordRow.id).limit(1)):
            return
    click.echo("Loading the demonstration library …")
    load(adapters)
    adapters.index.close()
    adapters.database.close()


def load(adapters: Adapters) -> Loaded:
    """Loads libraries, records and books; repeating it changes nothing."""
    folder = adapters.data_dir / "demonstration"
    folder.mkdir(exist_ok=True)
    shown, loaded = material(folder), Loaded()
    with adapters.database.transaction() as session:
        if not classifying.is_detailed(session):
            classifying.import_tree(session, shown.subjects)
    loaded.libraries = _libraries(adapters, shown, folder)
    loaded.records = _records(adapters, shown)
    loaded.books = _books(adapters, shown)
    healing.judge(adapters.database, cast(AliasedIndex, adapters.index))
    while indexing.drain(adapters.database, adapters.index):
        pass
    return loaded


def _libraries(adapters: Adapters, shown: Material, folder: Path) -> int:
    path = folder / "libraries.json"
    path.write_bytes(msgspec.json.encode(shown.libraries))
    with adapters.database.transaction() as session:
        return import_network(session, path).added


def _records(adapters: Adapters, shown: Material) -> int:
    added = 0
    for batch in shown.batches:
        source = formats.open_format(batch.path, "jsonl", library=batch.library)
        done = import_records(adapters.database, source, batch.path, library_id=batch.library)
        added += done.added
    return added


def _books(adapters: Adapters, shown: Material) -> int:
    with adapters.scratch.folder() as scratch, Examiner(workers=2, scratch=scratch) as examiner:
        fates = []
        for book in shown.books:
            intake = Intake(
                adapters.database, adapters.store, examiner, book.library, scratch=scratch
            )
            fates.append(ingest(intake, book.path))
    return sum(fate.record is not None for fate in fates)


@click.command()
@json_option
def demo(as_json: bool) -> None:
    """Load the demonstration library; repeating it changes nothing."""
    with refusals():
        loaded = load(open_adapters(config.load()))
        line = f"{loaded.libraries} libraries, {loaded.records} records, {loaded.books} books."
        show(loaded, as_json, lambda: iter([line]))
