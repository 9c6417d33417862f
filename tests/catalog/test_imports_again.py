"""Imports can be repeated, resumed and undone, and end with the same catalogue."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from database.plans import issued
from house import House, environ_of, json_lines
from sqlalchemy import update

from app.catalog.models import Import
from app.catalog.services import changes, importing, undoing
from app.catalog.services.importing import Report
from app.database import now
from app.errors import ConflictError

from .looking import batches, catalogue, history, row, said


def named(house: House, source_id: str, **fields: Any) -> None:
    """A person mends a record."""
    with house.database.transaction() as session:
        changes.edit(session, changes.load(session, row(house, source_id).id), fields, "a1")


def undo(house: House, report: Report) -> tuple[int, int, int]:
    """Undoes an import: withdrawn, restored, kept."""
    done = undoing.undo(house.database, str(report.id), None)
    return (done.withdrawn, done.restored, done.kept)


def counts(report: Report) -> tuple[int, int, int, int]:
    """Read, added, changed, unchanged."""
    return (report.read, report.added, report.changed, report.unchanged)


def test_a_rehearsal_says_what_would_be_and_changes_nothing(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{}, {}]))
    before = catalogue(house)
    path = json_lines(tmp_path / "b", [{}, {"title": "改"}, {}, {"id": "3"}])
    assert counts(house.import_file(path, dry_run=True)) == (4, 1, 2, 1)
    assert (catalogue(house), batches(house)) == (before, ["done"])


def test_a_second_run_changes_nothing(house: House, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a", [{}] * 5)
    house.import_file(path)
    before = catalogue(house)
    assert counts(house.import_file(path)) == (5, 0, 0, 5)
    assert catalogue(house) == before


def test_the_same_in_other_bytes_is_no_change(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "书"}]))
    (tmp_path / "b").write_text('{"title":"书" , "id":"1","src":"tests"}')
    assert counts(house.import_file(tmp_path / "b")) == (1, 0, 0, 1)
    assert (row(house, "1").version, history(house, "1")) == (1, [])


def test_of_a_record_twice_in_one_file_the_later_stands_and_is_listed(
    house: House, tmp_path: Path
) -> None:
    path = json_lines(tmp_path / "a", [{}, {"id": "1", "title": "后来"}])
    for dry_run in (True, False):
        report = house.import_file(path, dry_run=dry_run)
        assert (counts(report), report.refused, report.repeated) == ((2, 1, 1, 0), 0, 1)
        [problem] = report.problems
        assert (problem.place, problem.code) == ("line 2", "repeated")
        assert "line 1" in problem.message
    assert said(house, "1").title == "后来"


def test_a_repeated_record_is_noticed_across_an_interruption(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    path = json_lines(tmp_path / "a", [{}, {"id": "1"}, {"title": ""}, {}, {"id": "1"}])
    with pytest.raises(ConnectionError):
        house.import_file(path, progress=_away)
    report = house.import_file(path)
    found = [(problem.place, problem.code) for problem in report.problems]
    assert found == [("line 3", "title-missing"), ("line 2", "repeated"), ("line 5", "repeated")]
    assert (report.read, report.refused, report.repeated) == (5, 1, 2)


def test_a_changed_record_rises_and_keeps_what_it_said(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    house.import_file(json_lines(tmp_path / "b", [{"title": "新"}]))
    assert (row(house, "1").version, said(house, "1").title) == (2, "新")
    assert history(house, "1") == [(1, "imported")]


def test_what_a_person_mended_stands_and_the_difference_is_listed(
    house: House, tmp_path: Path
) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧", "publisher": "甲社"}]))
    named(house, "1", title="馆员所定")
    house.import_file(json_lines(tmp_path / "b", [{"title": "来源所改", "publisher": "乙社"}]))
    assert (said(house, "1").title, said(house, "1").publisher) == ("馆员所定", "乙社")
    seen = house.json(f"/api/v1/records/{row(house, '1').id}", headers=house.token())
    assert (seen["mended"], seen["differences"]) == (["title"], {"title": "来源所改"})


def test_a_difference_goes_when_the_source_agrees(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    named(house, "1", title="定")
    for number, title in enumerate(("改", "定")):
        house.import_file(json_lines(tmp_path / str(number), [{"title": title}]))
    seen = house.json(f"/api/v1/records/{row(house, '1').id}", headers=house.token())
    assert "differences" not in seen


def test_undoing_withdraws_what_was_added_and_puts_back_what_was_changed(
    house: House, tmp_path: Path
) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    report = house.import_file(json_lines(tmp_path / "b", [{"title": "新"}, {}]))
    assert undo(house, report) == (1, 1, 0)
    assert (said(house, "1").title, row(house, "2").state) == ("旧", "withdrawn")
    assert batches(house) == ["done", "undone"]
    assert undo(house, report) == (0, 0, 0)


def test_undoing_keeps_what_somebody_changed_since(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    report = house.import_file(json_lines(tmp_path / "b", [{"title": "新"}, {}, {}]))
    named(house, "1", publisher="馆员所知")
    named(house, "2", publisher="馆员所知")
    assert undo(house, report) == (1, 0, 2)
    assert (said(house, "1").title, row(house, "2").state) == ("新", "published")


def test_undoing_goes_on_after_what_it_keeps(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "BATCH", 2)
    house.import_file(json_lines(tmp_path / "a", [{}] * 5))
    news: list[dict[str, Any]] = [{"title": "新"}] * 5 + [{}] * 6 + [{"id": "7"}, {"id": "8"}]
    report = house.import_file(json_lines(tmp_path / "b", news))
    for source_id in ("1", "2", "6", "7", "9"):
        named(house, source_id, publisher="馆员所知")
    assert undo(house, report) == (3, 3, 5)


@pytest.mark.embedded  # how PostgreSQL does it is looked at in a large catalogue
def test_each_page_of_an_undoing_is_a_range_of_an_index(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "BATCH", 2)
    house.import_file(json_lines(tmp_path / "a", [{}] * 3))
    report = house.import_file(json_lines(tmp_path / "b", [{"title": "新"}] * 3 + [{}] * 3))
    with issued() as statements:
        undo(house, report)
    pages = [
        one for one in statements if re.search(r"import_id = \?.*LIMIT", one.statement, re.DOTALL)
    ]
    assert len(pages) >= 4
    with house.database.engine.connect() as connection:
        for one in pages:
            explain = f"EXPLAIN QUERY PLAN {one.statement}"
            plan = str(connection.exec_driver_sql(explain, one.parameters).all())
            assert re.search(r"\(import_id=\? AND \w+>\?\)", plan), plan
            assert "B-TREE" not in plan, plan


def test_undoing_reaches_records_that_stood_twice_in_the_file(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    twice = [{}, {"id": "1", "title": "再"}, {"id": "2"}, {"id": "2", "title": "又"}]
    assert undo(house, house.import_file(json_lines(tmp_path / "b", twice))) == (1, 1, 0)
    assert (said(house, "1").title, row(house, "2").state) == ("旧", "withdrawn")


def test_what_was_undone_comes_back_when_it_is_imported_again(house: House, tmp_path: Path) -> None:
    first = house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    path = json_lines(tmp_path / "b", [{"title": "新"}, {}])
    undo(house, house.import_file(path))
    assert counts(house.import_file(path)) == (2, 0, 2, 0)
    assert (said(house, "1").title, row(house, "2").state) == ("新", "published")
    assert undo(house, first) == (0, 0, 1)


def test_undoing_the_second_import_withdraws_again_what_the_first_undoing_had(
    house: House, tmp_path: Path
) -> None:
    path = json_lines(tmp_path / "a", [{}])
    undo(house, house.import_file(path))
    assert undo(house, house.import_file(path)) == (0, 1, 0)
    assert row(house, "1").state == "withdrawn"
    assert counts(house.import_file(path)) == (1, 0, 1, 0)


def test_what_a_person_withdrew_stays_withdrawn(house: House, tmp_path: Path) -> None:
    house.import_file(json_lines(tmp_path / "a", [{"title": "旧"}]))
    house.withdraw(row(house, "1").id)
    undo(house, house.import_file(json_lines(tmp_path / "b", [{"title": "新"}])))
    assert (row(house, "1").state, row(house, "1").reason) == ("withdrawn", "权利人的要求")


def test_a_fault_between_chunks_loses_and_doubles_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    path = json_lines(tmp_path / "a", [{}] * 14 + [{"title": ""}] + [{}] * 20)
    with pytest.raises(ConnectionError):
        house.import_file(path, progress=_away)
    assert batches(house) == ["running"]
    report = house.import_file(path)
    assert (counts(report), report.refused) == ((35, 34, 0, 0), 1)
    assert [problem.place for problem in report.problems] == ["line 15"]
    assert (len(catalogue(house)), batches(house)) == (34, ["done"])


def test_an_interrupted_table_goes_on_at_its_row(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 3)
    path = tmp_path / "a.csv"
    path.write_text("id,title\n" + "".join(f"{n},书{n}\n\n" for n in range(9)))
    with pytest.raises(ConnectionError):
        house.import_file(path, progress=_away)
    assert counts(house.import_file(path)) == (9, 9, 0, 0)


def _away(_report: Report) -> None:
    raise ConnectionError


def test_a_file_that_is_being_imported_is_not_imported_beside(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    path = json_lines(tmp_path / "a", [{}] * 5)

    def beside(_report: Report) -> None:
        with pytest.raises(ConflictError, match="being imported"):
            house.import_file(path)

    assert counts(house.import_file(path, progress=beside)) == (5, 5, 0, 0)
    assert (len(catalogue(house)), batches(house)) == (5, ["done"])


def test_what_was_thought_dead_writes_no_more(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    path = json_lines(tmp_path / "a", [{}] * 5)

    def silent(_report: Report) -> None:
        with house.database.transaction() as session:
            session.execute(update(Import).values(held_until=now()))
        assert counts(house.import_file(path)) == (5, 5, 0, 0)

    with pytest.raises(ConflictError, match="taken over"):
        house.import_file(path, progress=silent)
    assert (len(catalogue(house)), batches(house)) == (5, ["done"])


@pytest.mark.parametrize("seed", range(2))
def test_an_import_that_is_killed_and_started_again_ends_with_the_same_catalogue(
    house: House, tmp_path: Path, seed: int
) -> None:
    path = json_lines(tmp_path / "a", ({"extra": {"n": n}} for n in range(9_000)))
    data = environ_of(house.settings.data_dir)
    environ = {**os.environ, **data, "KAIJUAN_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "app.cli", "import", "records", str(path), "--json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as child:
        while not batches(house) and child.poll() is None:
            time.sleep(0.02)
        time.sleep(random.Random(seed).uniform(0, 0.8))
        child.send_signal(signal.SIGKILL)
    subprocess.run(command, env=environ, check=True, capture_output=True)
    assert (len(catalogue(house)), batches(house)[-1]) == (9_000, "done")
    assert {version for _, version, *_ in catalogue(house).values()} == {1}


def test_the_whole_real_catalogue_is_taken(house: House, test_data: Path) -> None:
    path = test_data / "catalog" / "records.jsonl.gz"
    report = house.import_file(path)
    assert (report.read, report.added, report.refused) == (107_860, 107_860, 0)
    assert counts(house.import_file(path)) == (107_860, 0, 0, 107_860)
