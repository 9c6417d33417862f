"""The demonstration goes in by the ordinary imports, and only once."""

from pathlib import Path

from house import House

from app.catalog.services.ingest import Fate, Intake, ingest
from app.demonstration import Material
from app.publications.sandbox import Examiner

from .filling import fill


def test_records_are_added_once_and_none_is_refused(
    house: House, made: tuple[Path, Material], tmp_path: Path
) -> None:
    first = fill(house, made[1], tmp_path)
    assert sum(report.added for report in first) == len(made[1].records)
    assert not any(report.refused for report in first)
    again = fill(house, made[1], tmp_path)
    assert {(r.added, r.changed, r.refused) for r in again} == {(0, 0, 0)}


def test_each_book_finds_the_record_that_names_it(
    house: House, made: tuple[Path, Material], tmp_path: Path
) -> None:
    fill(house, made[1], tmp_path)
    with Examiner(workers=1) as examiner:
        for book in made[1].books[:2]:
            intake = Intake(house.database, house.adapters.store, examiner, book.library)
            assert ingest(intake, book.path).fate is Fate.ATTACHED
            assert ingest(intake, book.path).fate is Fate.KNOWN
