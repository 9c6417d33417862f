"""Books as files: known, attached, refused; whatever fails leaves nothing half-done."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from archives import epub
from click.testing import CliRunner, Result
from house import House, environ_of, json_lines
from sqlalchemy import select

from app.catalog.description import Identifier
from app.catalog.models import HeldPublication
from app.cli import main
from app.storage.errors import StoreUnavailableError

from .looking import catalogue, row


def run(house: House, *arguments: str) -> Result:
    """The command line on this library."""
    environ = environ_of(house.settings.data_dir)
    return CliRunner().invoke(main, arguments, env=environ)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files beside the library's own."""
    made = tmp_path / "files"
    made.mkdir()
    return made


def books(house: House, *paths: Path) -> dict[str, Any]:
    """What `import books --json` says."""
    result = run(house, "import", "books", *map(str, paths), "--workers", "1", "--json")
    found: dict[str, Any] = msgspec.json.decode(result.stdout)
    assert result.exit_code == (1 if found["refused"] else 0), result.stderr
    return found


def test_a_file_that_is_known_already_is_recognised(house: House, tmp_path: Path) -> None:
    first = house.take(epub(tmp_path / "a.epub"))
    again = house.take((tmp_path / "a.epub").rename(tmp_path / "b.epub"))
    assert (first.fate, again.fate, again.record) == ("added", "known", first.record)
    assert len(catalogue(house)) == 1


def test_what_the_store_has_lost_is_made_again_of_the_same_file(
    house: House, tmp_path: Path
) -> None:
    first, store = house.take(epub(tmp_path / "a.epub")), house.adapters.store
    before = set(store.keys())
    for key in sorted(before):
        store.delete(key)
        again = house.take(tmp_path / "a.epub")
        assert (again.fate, again.record) == ("mended", first.record), key
        assert set(store.keys()) == before
    assert house.take(tmp_path / "a.epub").fate == "known"
    assert house.json(f"/api/v1/books/{first.record}/manifest")


def test_a_withdrawn_books_file_does_not_bring_it_back(house: House, tmp_path: Path) -> None:
    first = house.take(epub(tmp_path / "a.epub"))
    house.withdraw(str(first.record))
    again = house.take(tmp_path / "a.epub")
    assert (again.fate, again.record) == ("known", first.record)
    assert house.json("/api/v1/books")["items"] == []


def test_two_records_may_hold_one_file(house: House, tmp_path: Path) -> None:
    first, second = house.book(epub(tmp_path / "a.epub")), house.record("同书异录")
    with house.database.transaction() as session:
        held = session.scalars(select(HeldPublication)).one()
        session.add(
            HeldPublication(
                record_id=second, sha256=held.sha256, filename="b.epub", held_at=held.held_at
            )
        )
    for record in (first, second):
        manifest = house.json(f"/api/v1/books/{record}/manifest")
        assert house.client.get(manifest["readingOrder"][0]["href"]).status_code == 200
    house.withdraw(first)
    assert house.take(tmp_path / "a.epub").record == second


def test_a_record_that_names_its_file_gets_it(house: House, tmp_path: Path) -> None:
    house.import_file(
        json_lines(tmp_path / "r", [{"title": "开卷小书", "extra": {"epub": "书/甲.epub"}}])
    )
    taken = house.take(epub(tmp_path / "甲.epub"))
    house.index()
    assert (taken.fate, taken.record) == ("attached", row(house, "1").id)
    [hit] = house.json("/api/v1/search?available=true")["items"]
    assert (hit["format"], hit["available"], "cover" in hit) == ("epub", True, True)


@pytest.mark.parametrize(("title", "fate"), [("开卷小书", "attached"), ("别的书", "added")])
def test_an_isbn_attaches_only_where_the_titles_agree(
    house: House, tmp_path: Path, title: str, fate: str
) -> None:
    house.record(title, identifiers=(Identifier("isbn", "9787020002207"),))
    taken = house.take(epub(tmp_path / "a.epub", identifier="urn:isbn:9787020002207"))
    assert taken.fate == fate


def test_what_is_no_publication_is_refused_with_a_report(house: House, folder: Path) -> None:
    (folder / "a.epub").write_bytes(b"PK\x03\x04 and nothing more")
    (folder / "b.epub").write_bytes(os.urandom(5_000))
    (folder / "c.epub").write_bytes(b"")
    found = books(house, folder)
    assert (found["read"], found["refused"], found["added"]) == (3, 3, 0)
    places = {problem["place"].partition(":")[0] for problem in found["problems"]}
    assert places == {str(folder / name) for name in ("a.epub", "b.epub", "c.epub")}
    assert catalogue(house) == {}


class Failing:
    """A store that goes away after so many writes."""

    def __init__(self, store: Any, writes: int) -> None:
        self._store, self._writes = store, writes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("put_"):
            self._writes -= 1
            if self._writes < 0:
                raise StoreUnavailableError("away", retryable=True)
        return getattr(self._store, name)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_store_that_fails_midway_leaves_no_record(
    house: House, tmp_path: Path, writes: int
) -> None:
    whole = house.adapters
    house.adapters = replace(whole, store=Failing(whole.store, writes))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        house.take(epub(tmp_path / "a.epub"))
    assert catalogue(house) == {}
    house.adapters = whole
    assert house.take(tmp_path / "a.epub").fate == "added"


def test_folders_are_taken_whole_and_links_are_not_followed(house: House, tmp_path: Path) -> None:
    outside, folder = tmp_path / "外", tmp_path / "地方文献" / "方志"
    outside.mkdir()
    folder.mkdir(parents=True)
    epub(outside / "不取.epub", title="不取", identifier="urn:x:3")
    epub(folder / "县志（光绪）.epub", title="县志")
    (folder / "链接.epub").symlink_to(outside / "不取.epub")
    (folder.parent / "目录").symlink_to(outside)
    (folder / ".hidden.epub").write_bytes(b"")
    found = books(house, tmp_path / "地方文献")
    assert (found["read"], found["added"]) == (1, 1)


def test_names_of_other_encodings_are_shown_as_they_were_meant(
    house: House, tmp_path: Path
) -> None:
    folder = os.fsencode(tmp_path / "gbk")
    os.mkdir(folder)  # noqa: PTH102 - a name in bytes
    made = epub(tmp_path / "a.epub", title="方志")
    made.rename(os.fsdecode(folder + b"/" + "县志.epub".encode("gb18030")))
    assert books(house, tmp_path / "gbk")["added"] == 1
    [item] = house.json("/api/v1/books")["items"]
    [file] = house.json(f"/api/v1/books/{item['id']}")["files"]
    assert file["filename"] == "县志.epub"


def test_an_import_of_books_can_be_stopped_and_gone_on_with(house: House, folder: Path) -> None:
    files = [epub(folder / f"{n}.epub", title=f"书{n}", identifier=f"urn:x:{n}") for n in range(4)]
    assert books(house, *files[:2])["added"] == 2
    found = books(house, folder)
    assert (found["read"], found["unchanged"], found["added"]) == (4, 2, 2)
    assert found["problems"] == []


def test_a_file_that_vanishes_meanwhile_is_reported(house: House, tmp_path: Path) -> None:
    taken = house.take(tmp_path / "gone.epub")
    assert (taken.fate, taken.findings[0].code) == ("refused", "file-unreadable")
