"""Backing up and restoring an embedded library: everything, to a stated point."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from io import FileIO
from pathlib import Path
from shutil import copytree
from threading import Event, Thread
from typing import Any, BinaryIO, cast

import pytest
from archives import epub
from house import House
from sqlalchemy import select

from app.catalog.description import Description
from app.catalog.models import RecordRow
from app.catalog.services import changes
from app.database import Base, now
from app.identity import tree
from app.jobs.models import Job
from app.operating.backup.manifest import BackupError
from app.operating.backup.naming import NAMING
from app.operating.backup.taking import take
from app.operating.backup.target import Target
from app.storage.errors import StoreFullError
from app.storage.local import LocalStore
from app.tables import TABLES

from .backups import (
    bytes_of,
    filled,
    jobs_apart,
    killed,
    library,
    rows_of,
    run,
    said,
)

pytestmark = pytest.mark.embedded
BACKUP = "app.operating.backup"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library with something of everything."""
    folder = tmp_path_factory.mktemp("model") / "data"
    filled(folder).close()
    return folder


@pytest.fixture
def full(model: Path, tmp_path: Path) -> Iterator[House]:
    """A library like it, of the test's own."""
    house = House(Path(copytree(model, tmp_path / "data")))
    yield house
    house.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "target"


def back(folder: Path) -> House:
    """The restored library."""
    return House(folder)


def assert_equal(one: House, other: House) -> None:
    """All that matters of two libraries is the same."""
    assert jobs_apart(rows_of(one.database)) == jobs_apart(rows_of(other.database))
    assert bytes_of(one.adapters) == bytes_of(other.adapters)


def test_a_restored_library_is_the_one_that_was_backed_up(
    full: House, target: Path, tmp_path: Path
) -> None:
    taken = said(full.settings.data_dir, "backup", target)["backup"]
    restored = said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    assert_equal(full, house)
    assert (restored["point"], restored["problems"]) == (taken["point"], [])
    assert restored["objects"] == taken["objects"] == restored["copied"]
    house.close()


def test_a_restored_library_can_be_searched_and_read(
    full: House, target: Path, tmp_path: Path
) -> None:
    said(full.settings.data_dir, "backup", target)
    said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    assert house.json("/api/v1/search?q=红楼梦")["total"] == 1
    book = house.json("/api/v1/search?q=开卷小书")["items"][0]["id"]
    manifest = house.json(f"/api/v1/books/{book}/manifest")
    assert house.client.get(manifest["readingOrder"][0]["href"]).status_code == 200
    house.close()


def test_a_job_that_ran_at_the_point_is_done_after_the_restore(
    full: House, target: Path, tmp_path: Path
) -> None:
    said(full.settings.data_dir, "backup", target)
    said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    house.work()
    with house.database.transaction(writes=False) as session:
        assert set(session.scalars(select(Job.state))) == {"done"}
        assert session.scalar(select(RecordRow.id).where(RecordRow.source == "sent"))
    house.close()


def test_facts_about_use_that_lie_in_the_spool_come_back(
    full: House, target: Path, tmp_path: Path
) -> None:
    said(full.settings.data_dir, "backup", target)
    said(tmp_path / "new", "restore", target)
    names = {path.name for path in (full.settings.data_dir / "usage").glob("*.jsonl")}
    assert names
    assert names <= {path.name for path in (tmp_path / "new" / "usage").iterdir()}


def test_followers_of_the_change_feed_begin_anew(full: House, target: Path, tmp_path: Path) -> None:
    before = full.json("/api/v1/changes")["next"]
    said(full.settings.data_dir, "backup", target)
    said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    assert house.client.get(f"/api/v1/changes?since={before}").status_code >= 400
    house.close()


def test_what_was_answered_before_the_point_is_there_while_others_write(
    tmp_path: Path, target: Path
) -> None:
    house, stop, done = library(tmp_path / "data"), Event(), list[tuple[datetime, str]]()

    def write() -> None:
        while not stop.is_set():
            with house.database.transaction() as session:
                owner = tree.default(session).id
                said_of = Description(title=f"第{len(done)}部书")
                made = changes.create(
                    session, said_of, kind="book", library_id=owner, account_id=None
                )
            done.append((now(), made.id))

    writers = [Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    taken = [said(tmp_path / "data", "backup", target)["backup"] for _ in range(3)]
    stop.set()
    for writer in writers:
        writer.join()
    said(tmp_path / "new", "restore", target)
    restored = back(tmp_path / "new")
    with restored.database.transaction(writes=False) as session:
        there = set(session.scalars(select(RecordRow.id)))
    point = datetime.fromisoformat(taken[-1]["point"])
    assert there
    assert {made for at, made in done if at < point} <= there
    for one in (house, restored):
        one.close()


def test_a_second_backup_copies_only_what_is_new(full: House, target: Path, tmp_path: Path) -> None:
    first = said(full.settings.data_dir, "backup", target)["backup"]
    full.book(epub(tmp_path / "second.epub", title="第二册", identifier="urn:x:2"))
    second = said(full.settings.data_dir, "backup", target)["backup"]
    third = said(full.settings.data_dir, "backup", target)["backup"]
    assert (first["copied"], second["copied"], third["copied"]) == (5, 3, 0)
    assert second["objects"] == third["objects"] == 8


def test_files_of_a_backup_are_their_owners_alone(full: House, target: Path) -> None:
    said(full.settings.data_dir, "backup", target, "--secrets", target.parent / "keys")
    kept = [p for folder in (target, target.parent / "keys") for p in folder.rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in kept if p.is_file()} == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (target, target.parent / "keys")} == {0o700}


def test_secrets_come_back_from_their_own_place(full: House, target: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    said(full.settings.data_dir, "backup", target, "--secrets", keys)
    without = said(tmp_path / "one", "restore", target)
    given = said(tmp_path / "two", "restore", target, "--secrets", keys)
    assert (without["other_secrets"], given["other_secrets"]) == (["identity_key"], [])


def test_secrets_are_never_put_with_the_backup(full: House, target: Path) -> None:
    result = run(full.settings.data_dir, "backup", target, "--secrets", target / "keys")
    assert (result.exit_code, "apart" in result.stderr) == (1, True)
    assert not (target / "keys").exists()


def objects_in(target: Path) -> list[Path]:
    """The files of a target's objects, the largest last."""
    found = [path for path in (target / "objects" / "blobs").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("which", [0, -1])
def test_a_damaged_object_is_found_and_not_restored(
    full: House, target: Path, tmp_path: Path, which: int
) -> None:
    said(full.settings.data_dir, "backup", target)
    victim = objects_in(target)[which]
    victim.write_bytes(b"?" * victim.stat().st_size)
    checked = said(full.settings.data_dir, "backup", target, "--verify", code=1)
    assert [problem["code"] for problem in checked["problems"]] == ["damaged"]
    assert "damaged" in said(tmp_path / "new", "restore", target, code=1)["error"]
    restored = said(tmp_path / "new", "restore", target, "--despite-damage", code=1)
    assert [problem["code"] for problem in restored["problems"]] == ["damaged"]


@pytest.mark.parametrize("name", ["tables/records.rows", "objects.rows", "manifest.json"])
def test_a_damaged_part_is_found_and_not_restored(
    full: House, target: Path, tmp_path: Path, name: str
) -> None:
    said(full.settings.data_dir, "backup", target)
    (part,) = (target / "objects" / "generations").glob(f"*/{name}")
    part.write_bytes(part.read_bytes()[:-9])
    checked = said(full.settings.data_dir, "backup", target, "--verify", code=1)
    assert checked["problems"][0]["place"].endswith(name)
    assert run(tmp_path / "new", "restore", target).exit_code == 1
    assert said(tmp_path / "new", "migrate")["before"] is None


def test_an_object_that_is_missing_in_the_store_is_said_and_stops_nothing(
    full: House, target: Path, tmp_path: Path
) -> None:
    key = next(key for key in full.adapters.store.keys("") if key.endswith("covers"))
    full.adapters.store.delete(key)
    taken = said(full.settings.data_dir, "backup", target, code=1)["backup"]
    assert [(p["place"], p["code"]) for p in taken["problems"]] == [(key, "missing")]
    restored = said(tmp_path / "new", "restore", target, code=1)
    assert restored["problems"] == taken["problems"]


BACKUP_STAGES = (
    f"{BACKUP}.collecting:Collecting._copy",
    f"{BACKUP}.target:Target.finish",
)


@pytest.mark.parametrize("stage", BACKUP_STAGES)
def test_a_backup_killed_in_the_middle_is_incomplete_and_the_next_one_whole(
    full: House, target: Path, tmp_path: Path, stage: str
) -> None:
    folder = full.settings.data_dir
    killed(stage, folder, "backup", target)
    assert not any(one["complete"] for one in said(folder, "backup", target, "--list"))
    assert run(tmp_path / "new", "restore", target).exit_code == 1
    said(folder, "backup", target, "--keep", "1")
    assert [one["complete"] for one in said(folder, "backup", target, "--list")] == [True]
    said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    assert_equal(full, house)
    house.close()


RESTORE_STAGES = (
    "app.storage.local:LocalStore.adopt",
    f"{BACKUP}.loading:_hold",
    f"{BACKUP}.settling:settle",
    f"{BACKUP}.settling:end",
)


@pytest.mark.parametrize("stage", RESTORE_STAGES)
def test_a_restore_killed_in_the_middle_is_done_by_the_next_one(
    full: House, target: Path, tmp_path: Path, stage: str
) -> None:
    said(full.settings.data_dir, "backup", target)
    killed(stage, tmp_path / "new", "restore", target)
    said(tmp_path / "new", "restore", target)
    house = back(tmp_path / "new")
    assert_equal(full, house)
    assert house.json("/api/v1/search?q=红楼梦")["total"] == 1
    house.close()


def test_a_library_that_holds_something_is_replaced_only_by_name(full: House, target: Path) -> None:
    folder = full.settings.data_dir
    said(folder, "backup", target)
    later = full.record("后来的书")
    refused = said(folder, "restore", target, code=1)["error"]
    assert "--replace kaijuan.sqlite" in refused
    assert run(folder, "restore", target, "--replace", "another").exit_code == 1
    assert full.client.get(f"/api/v1/books/{later}").status_code == 200
    full.close()
    said(folder, "restore", target, "--replace", "kaijuan.sqlite")
    house = back(folder)
    assert house.client.get(f"/api/v1/books/{later}").status_code == 404
    assert house.json("/api/v1/search?q=后来的书")["total"] == 0
    house.close()


def test_a_database_that_is_being_used_is_not_replaced(full: House, target: Path) -> None:
    folder = full.settings.data_dir
    said(folder, "backup", target)
    full.record("后来的书")
    refused = said(folder, "restore", target, "--replace", "kaijuan.sqlite", code=1)["error"]
    assert "in use" in refused
    assert full.json("/api/v1/search?q=后来的书")["total"] == 1


def test_restoring_at_a_moment_takes_the_newest_backup_up_to_it(
    full: House, target: Path, tmp_path: Path
) -> None:
    folder = full.settings.data_dir
    first, second = (said(folder, "backup", target)["backup"] for _ in range(2))
    named = said(tmp_path / "one", "restore", target, first["generation"], "--no-reindex")
    newest = said(tmp_path / "two", "restore", target, "--at", "2999-01-01T00:00+0800")
    assert (named["generation"], newest["generation"]) == (
        first["generation"], second["generation"],
    )  # fmt: skip
    assert run(tmp_path / "three", "restore", target, "--at", "2001-01-01T00:00Z").exit_code == 1


def test_what_is_not_reindexed_waits_for_the_worker(
    full: House, target: Path, tmp_path: Path
) -> None:
    said(full.settings.data_dir, "backup", target)
    assert said(tmp_path / "new", "restore", target, "--no-reindex")["indexed"] is None
    house = back(tmp_path / "new")
    house.index()
    assert house.json("/api/v1/search?q=红楼梦")["total"] == 1
    house.close()


def on_a_disk_of(room: int) -> Callable[[Path], BinaryIO]:
    """What makes files on a disk with so many bytes left."""
    left = [room]

    class Bounded(FileIO):
        """A file that takes no more than the disk has."""

        def write(self, data: Any, /) -> int:
            """Writes, or says that the disk is full."""
            left[0] -= len(memoryview(data))
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    return lambda path: cast(BinaryIO, Bounded(path, "xb"))


@pytest.mark.parametrize("room", [20_000, 6_000_000])
def test_a_full_disk_leaves_the_backups_before_usable(
    full: House, target: Path, tmp_path: Path, room: int
) -> None:
    folder = full.settings.data_dir
    said(folder, "backup", target)
    full.book(epub(tmp_path / "more.epub", identifier="urn:x:3", more={"再.mp3": b"!" * 7_000_000}))
    small = Target("small", LocalStore(target, create=on_a_disk_of(room)), target)
    with pytest.raises(StoreFullError):
        take(full.settings, full.adapters, small, quiet=True)
    assert [o["complete"] for o in said(folder, "backup", target, "--list")].count(True) == 1
    assert said(folder, "backup", target, "--verify")["problems"] == []
    assert said(tmp_path / "new", "restore", target)["problems"] == []


def test_a_backup_that_cannot_fit_is_not_begun(full: House, target: Path) -> None:
    said(full.settings.data_dir, "backup", target)
    place = Target(str(target), LocalStore(target), target)
    with pytest.raises(BackupError, match="Make room"):
        place.require(2**60)


def test_two_backups_at_once_do_not_mix(full: House, target: Path) -> None:
    said(full.settings.data_dir, "backup", target)
    with Target(str(target), LocalStore(target), target).alone():
        refused = said(full.settings.data_dir, "backup", target, code=1)["error"]
    assert "Another backup" in refused


def test_a_backup_within_the_data_directory_is_refused(full: House) -> None:
    inside = full.settings.data_dir / "backups"
    assert "lost with it" in said(full.settings.data_dir, "backup", inside, code=1)["error"]


def test_every_column_that_names_an_object_is_known() -> None:
    named = {f"{table.name}.{c.name}" for table in TABLES for c in table.columns
             if c.name.endswith("_key") and c.type.python_type is str}  # fmt: skip
    others = {"jobs.unique_key", "accounts.name_key"}
    assert named - others == NAMING
    assert Base.metadata.tables.keys() == {table.name for table in TABLES}
