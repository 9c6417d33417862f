"""An import reaches what its library and those below it hold, and nothing else."""

from pathlib import Path

import pytest
from house import House, json_lines

from app.catalog.services.importing import Report

from .looking import catalogue, row, said


@pytest.fixture
def house(house: House) -> House:
    """A network of libraries."""
    house.network()
    return house


def problems(report: Report) -> list[tuple[str, str]]:
    return [(problem.place, problem.code) for problem in report.problems]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("other", ["south", "north-1"])
def test_what_another_library_holds_is_refused_by_line(
    house: House, tmp_path: Path, other: str, dry_run: bool
) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "北"}]), "north")
    before = catalogue(house)
    path = json_lines(tmp_path / "b", [{"title": "占"}, {"id": "9"}])
    report = house.import_file(path, other, dry_run=dry_run)
    assert problems(report) == [("line 1", "other-library")]
    assert (report.read, report.added, report.changed, report.refused) == (2, 1, 0, 1)
    assert catalogue(house).items() >= before.items()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_record_may_not_belong_to_one_of_another_library(
    house: House, tmp_path: Path, dry_run: bool
) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"kind": "journal"}]), "north")
    lines = [{"id": "2", "parent": "1"}, {"id": "3", "parent": "none"}, {"id": "4"}]
    report = house.import_file(json_lines(tmp_path / "b", lines), "south", dry_run=dry_run)
    assert problems(report) == [("line 1", "other-library"), ("line 2", "parent-unknown")]
    assert (report.added, report.refused) == (1, 2)


def test_a_library_may_change_what_those_below_it_hold(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]), "north-1")
    report = house.import_file(json_lines(tmp_path / "b", [{"title": "新"}]), "nation")
    assert (report.changed, said(house, "1").title) == (1, "新")
    assert row(house, "1").library_id == "north-1"
