"""The demonstration goes in by the ordinary imports, and only once."""

from pathlib import Path

import msgspec
from house import House

from app.catalog import formats
from app.catalog.services.importing import Report, import_records
from app.catalog.services.ingest import Fate, Intake, ingest
from app.demonstration import Material
from app.identity.network import import_network
from app.publications.sandbox import Examiner


def load(house: House, made: Material, folder: Path) -> list[Report]:
    """Libraries and records, each batch for the library that owns it."""
    network = folder / "libraries.json"
    network.write_bytes(msgspec.json.encode(made.libraries))
    with house.database.transaction() as session:
        assert import_network(session, network).refused == 0
    return [
        import_records(
            house.database,
            formats.open_format(batch.path, "jsonl"),
            batch.path,
            library_id=batch.library,
        )
        for batch in made.batches
    ]


def test_records_are_added_once_and_none_is_refused(
    house: House, made: tuple[Path, Material], tmp_path: Path
) -> None:
    first = load(house, made[1], tmp_path)
    assert sum(report.added for report in first) == len(made[1].records)
    again = load(house, made[1], tmp_path)
    assert {(r.added, r.changed, r.refused) for r in first[:0] + again} == {(0, 0, 0)}


def test_each_book_finds_the_record_that_names_it(
    house: House, made: tuple[Path, Material], tmp_path: Path
) -> None:
    load(house, made[1], tmp_path)
    with Examiner(workers=1) as examiner:
        for book in made[1].books[:2]:
            intake = Intake(house.database, house.adapters.store, examiner, book.library)
            assert ingest(intake, book.path).fate is Fate.ATTACHED
            assert ingest(intake, book.path).fate is Fate.KNOWN
