"""Where backups go and what a restore leaves alone when it cannot be done."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path
from shutil import copytree

import pytest
from archives import epub
from away import closed_port
from house import House

from app import config
from app.operating.backup.manifest import BackupError
from app.operating.backup.target import Target, open_target
from app.storage.memory import MemoryStore

from .backups import environ, filled, killed, library, run, said

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library with something of everything, and of a backup of it beside."""
    folder = tmp_path_factory.mktemp("model")
    filled(folder / "data").close()
    said(folder / "data", "backup", folder / "target", "--secrets", folder / "keys")
    return folder


@pytest.fixture
def place(model: Path, tmp_path: Path) -> Path:
    """The same, of the test's own: data, target and keys."""
    return Path(copytree(model, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("moment", "hour"), [("18:00+0800", 9), ("18:00+0000", 12), ("23:59-0800", 23)]
)
def test_a_moment_is_one_of_its_own_zone(moment: str, hour: int) -> None:
    target = Target("memory", MemoryStore(), None)
    for one in (9, 12, 23):
        name = f"generations/2026-01-30T{one:02}0000.000000Z/manifest.json"
        target.store.put_bytes(name, b"")
    at = datetime.strptime(f"2026-01-30T{moment}", "%Y-%m-%dT%H:%M%z")
    assert target.chosen(None, at).startswith(f"2026-01-30T{hour:02}")


def test_the_librarys_own_store_is_no_place_for_backups(tmp_path: Path) -> None:
    store = tmp_path / "store"
    given = environ(tmp_path / "data", KAIJUAN_STORAGE_URL=f"file://{store}")
    for within in (store, store / "below", store / ".." / "store"):
        with pytest.raises(BackupError, match="own store"):
            open_target(str(within), config.load(given, tmp_path / "none"), create=True)
    given = environ(tmp_path / "data", KAIJUAN_STORAGE_URL="s3://library/one")
    for address in ("s3://library/one", "s3://library//one/", "s3://library/%6fne"):
        with pytest.raises(BackupError, match="own store"):
            open_target(address, config.load(given, tmp_path / "none"))


@pytest.mark.parametrize("address", ["ftp://there/backups", "file:///backups", "s3://", "s3:///x"])
def test_what_is_no_place_is_said_to_be_none(address: str, tmp_path: Path) -> None:
    result = run(tmp_path / "data", "backup", address)
    assert (result.exit_code, "s3://bucket/prefix" in result.stderr) == (1, True)


def test_a_place_that_is_only_read_is_left_as_it_is(place: Path) -> None:
    objects = place / "target" / "objects"
    objects.chmod(0o755)
    assert said(place / "data", "backup", place / "target", "--verify")["problems"] == []
    said(place / "new", "restore", place / "target", "--no-reindex")
    assert stat.S_IMODE(objects.stat().st_mode) == 0o755
    assert run(place / "data", "backup", place / "keys", "--list").exit_code == 1
    assert not (place / "keys" / "objects").exists()


def test_nothing_is_forgotten_while_a_list_that_stays_cannot_be_read(place: Path) -> None:
    folder, target = place / "data", place / "target"
    middle = said(folder, "backup", target)["backup"]["generation"]
    (target / "objects" / "generations" / middle / "objects.rows").write_bytes(b"?")
    assert "damaged" in said(folder, "backup", target, "--keep", "2", code=1)["error"]
    assert [one["complete"] for one in said(folder, "backup", target, "--list")] == [True] * 3
    said(folder, "backup", target, "--keep", "1")
    assert said(folder, "backup", target, "--verify")["problems"] == []


def test_a_table_of_somebody_elses_stops_no_restore(tmp_path: Path) -> None:
    house = library(tmp_path / "data")
    with house.database.transaction() as session:
        session.connection().exec_driver_sql("CREATE TABLE visitors (name TEXT)")
        session.connection().exec_driver_sql("INSERT INTO visitors VALUES ('林')")
    said(tmp_path / "data", "backup", tmp_path / "target")
    restored = said(tmp_path / "new", "restore", tmp_path / "target", code=1)
    assert [(p["place"], p["code"]) for p in restored["problems"]] == [("visitors", "unknown")]
    assert (restored["doctor"], restored["indexed"]) == ([], 0)
    house.close()


def test_a_restore_that_is_refused_replaces_no_secret_and_no_facts(place: Path) -> None:
    folder = place / "data"
    own, facts = folder / "secrets" / "identity_key", folder / "usage"
    own.write_text("another library's key, which must not go")
    for path in facts.glob("*.jsonl"):
        path.write_bytes(b"later\n")
    house = House(folder)
    house.get("/api/v1/search?q=红楼")  # holds the database open
    given = ("--replace", "kaijuan.sqlite", "--secrets", place / "keys")
    assert "in use" in said(folder, "restore", place / "target", *given, code=1)["error"]
    assert own.read_text().startswith("another library's key")
    assert b"later\n" in {path.read_bytes()[:6] for path in facts.glob("*.jsonl")}
    house.close()
    said(folder, "restore", place / "target", *given)
    assert own.read_bytes() == (place / "keys" / "identity_key").read_bytes()


def test_secrets_that_are_not_there_are_missed_before_anything_is_replaced(place: Path) -> None:
    given = ("--secrets", place / "nothing")
    refused = said(place / "new", "restore", place / "target", *given, code=1)["error"]
    assert "no secrets" in refused
    assert said(place / "new", "migrate")["before"] is None


def test_the_doctor_knows_of_a_restore_that_did_not_end(place: Path) -> None:
    killed("app.operating.backup.settling:settle", place / "new", "restore", place / "target")
    found = {one["what"]: one for one in said(place / "new", "doctor", code=1)}
    undone = found["no restore is left undone"]
    assert (undone["ok"], "kaijuan restore" in undone["mend"]) == (False, True)
    said(place / "new", "restore", place / "target")
    said(place / "new", "doctor")


COMMANDS = {
    "import": ("import", "books", "book.epub"),
    "backup": ("backup", "target"),
    "restore": ("restore", "target", "--replace", "kaijuan.sqlite"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_is_away_is_said_and_shows_no_insides(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    epub(place / "book.epub", identifier="urn:x:another")
    with_store = {
        "KAIJUAN_STORAGE_URL": "s3://library",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{closed_port()}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "hidden",
    }
    (place / "target" / "lock").unlink()
    for path in (place / "target" / "objects" / "blobs").rglob("*"):
        if command == "backup" and path.is_file():
            path.unlink()  # so that it has to ask the store
    result = run(place / "data", *COMMANDS[command], **with_store)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "The store says: Could not connect" in result.stderr
    assert "hidden" not in result.output
