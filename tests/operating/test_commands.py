"""The command line: every command loads, says what is wrong, and looks after a library."""

import os
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from archives import epub
from away import closed_port
from click.testing import CliRunner, Result
from house import House, environ_of
from sqlalchemy import update

from app import config
from app.catalog.models import DirtyRecord, RecordRow
from app.catalog.services import dirty
from app.cli import COMMANDS, main
from app.database import from_micros
from app.operating.serve import renew_index


def run(folder: Path, *arguments: str, **settings: str) -> Result:
    """The command line on the library in this folder."""
    environ = {**environ_of(folder), **settings}
    return CliRunner().invoke(main, arguments, env=environ)


def said(folder: Path, *arguments: str) -> Any:
    """The JSON of a command that went well."""
    result = run(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


def run_doctor(folder: Path) -> Any:
    """What the doctor says, well or not."""
    return msgspec.json.decode(run(folder, "doctor", "--json").stdout)


def every_command() -> list[tuple[str, ...]]:
    """Every command and every command of a group."""
    found: list[tuple[str, ...]] = [()]
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, below) for below in command.commands]
    return found


@pytest.mark.embedded  # nothing in it meets an engine
@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], tmp_path: Path) -> None:
    result = run(tmp_path, *command, "--help")
    assert (result.exit_code, result.output.startswith("Usage:")) == (0, True)


@pytest.mark.embedded
def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    first, second = said(tmp_path, "migrate"), said(tmp_path, "migrate")
    assert (first["before"], second["before"]) == (None, first["after"])
    assert second["after"] == first["after"]
    told = {one["what"]: one["ok"] for one in run_doctor(tmp_path)}
    assert [what for what, ok in told.items() if not ok] == ["engine: index"]  # a worker's to make
    renew_index(config.load(environ_of(tmp_path)))
    assert all(diagnosis["ok"] for diagnosis in said(tmp_path, "doctor"))


@pytest.mark.embedded
def test_a_library_that_was_not_migrated_is_told_what_to_do(tmp_path: Path) -> None:
    result = run(tmp_path, "import", "list")
    assert (result.exit_code, "kaijuan migrate" in result.stderr) == (1, True)


def unwell(house: House, **settings: str) -> dict[str, str]:
    """What the doctor finds wrong, and how to mend it."""
    return {d["what"]: d["mend"] for d in looked(house, **settings) if not d["ok"]}


def looked(house: House, **settings: str) -> Any:
    """All that the doctor looks at, and what it finds."""
    folder = house.settings.data_dir
    run(folder, "migrate")
    return msgspec.json.decode(run(folder, "doctor", "--json", **settings).stdout)


@pytest.fixture
def migrated(tmp_path: Path) -> House:
    """A library whose schema was made by the migrations."""
    run(tmp_path / "data", "migrate")
    return House(tmp_path / "data")


@pytest.mark.embedded
def test_the_doctor_looks_at_what_it_can_while_an_engine_is_away(migrated: House) -> None:
    (migrated.settings.data_dir / "secrets" / "identity_key").chmod(0o644)
    found = unwell(migrated, KAIJUAN_CACHE_URL=f"redis://127.0.0.1:{closed_port()}/0")
    assert found.keys() == {"engine: cache", "secrets are their owner's alone"}
    migrated.close()


@pytest.mark.embedded
def test_the_doctor_of_a_library_that_was_not_migrated_says_so(tmp_path: Path) -> None:
    found = msgspec.json.decode(run(tmp_path, "doctor", "--json").stdout)
    wrong = {d["what"]: d["mend"] for d in found if not d["ok"]}
    assert wrong["engine: schema"] == "Run `kaijuan migrate`."
    assert "no job has failed" not in {d["what"] for d in found}


@pytest.mark.embedded
def test_the_doctor_misses_bytes_that_are_gone(migrated: House, tmp_path: Path) -> None:
    migrated.book(epub(tmp_path / "a.epub"))
    assert unwell(migrated) == {}
    for blob in (migrated.settings.data_dir / "store").rglob("*.epub"):
        blob.unlink()
    assert "Restore the store" in unwell(migrated)["publications lie in the store"]
    migrated.close()


def test_the_doctor_sees_that_nobody_indexes(migrated: House) -> None:
    with migrated.database.transaction() as session:
        session.add(DirtyRecord(record_id="0" * 36, version=1, since=from_micros(0)))
    assert "kaijuan worker" in unwell(migrated)["search follows the catalogue"]
    migrated.close()


def test_the_doctor_names_what_the_index_does_not_take_and_why(migrated: House) -> None:
    record = migrated.record("红楼梦")
    with migrated.database.transaction() as session:
        session.get_one(RecordRow, record).description = b"{"
        dirty.mark(session, [(record, 2)])
        session.execute(update(DirtyRecord).values(since=from_micros(0)))
    migrated.index()
    found = {d["what"]: d for d in looked(migrated)}
    told = found["the index takes every record"]
    assert (told["ok"], record in told["detail"]) == (False, True)
    assert all(said in told["detail"] for said in ("since 1970-01-01", "cannot be read"))
    assert found["search follows the catalogue"]["ok"]  # a worker is there: it has tried
    migrated.close()


def test_the_doctor_sees_an_index_that_lost_a_record(migrated: House) -> None:
    migrated.record("红楼梦")
    migrated.withdraw(migrated.record("西游记"))
    with migrated.database.transaction() as session:
        session.execute(update(DirtyRecord).values(version=1))
    assert unwell(migrated) == {}
    assert said(migrated.settings.data_dir, "reindex")["done"] == 1
    assert unwell(migrated) == {}
    migrated.close()


def test_the_doctor_sees_secrets_that_others_may_read(migrated: House) -> None:
    secret = migrated.settings.data_dir / "secrets" / "identity_key"
    secret.chmod(0o644)
    mend = unwell(migrated)["secrets are their owner's alone"]
    assert mend == f"chmod 600 {secret}"
    migrated.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAIJUAN_DATABASE_URL", "mysql://x"), ("KAIJUAN_STORAGE_URL", "ftp://x"),
        ("KAIJUAN_SEARCH_URL", "solr"), ("KAIJUAN_QUEUE_URL", "amqp://x"),
        ("KAIJUAN_PUBLIC_URL", "books.example.org"), ("KAIJUAN_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("KAIJUAN_SECRET_KEYS", "short"), ("KAIJUAN_LOG_LEVEL", "loud"),
        ("KAIJUAN_READ_ONLY", "maybe"),
    ],
)  # fmt: skip
def test_a_wrong_setting_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    result = run(tmp_path, "doctor", **{name: value})
    assert (result.exit_code, name in result.stderr) == (1, True)
    assert "Traceback" not in result.output


def test_a_wrong_port_names_its_variable(tmp_path: Path) -> None:
    result = run(tmp_path, "serve", PORT="eighty")
    assert (result.exit_code, "PORT" in result.stderr) == (2, True)


def test_secrets_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    files = sorted((tmp_path / "secrets").iterdir())
    before = [file.read_text() for file in files]
    run(tmp_path, "migrate")
    assert [file.read_text() for file in files] == before
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in files} == {
        "identity_key": "0o600",
        "secret_keys": "0o600",
    }


def test_an_empty_secret_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret_keys").touch()
    result = run(tmp_path, "migrate")
    assert (result.exit_code, "KAIJUAN_SECRET_KEYS" in result.stderr) == (1, True)


def test_libraries_users_and_tokens_are_added(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    said(tmp_path, "library", "add", "nation", "国家图书馆", "--level", "national")
    said(
        tmp_path,
        "library",
        "add",
        "north",
        "北省图书馆",
        "--level",
        "province",
        "--parent",
        "nation",
    )
    assert [row["id"] for row in said(tmp_path, "library", "list", "--parent", "nation")] == [
        "north"
    ]
    house = House(tmp_path)
    link = said(tmp_path, "user", "add", "馆长", "--role", "administrator")["link"]
    body = {"secret": link.partition("#")[2]}
    assert house.send("POST", "/api/v1/session", body).status_code == 201
    token = said(tmp_path, "token", "add", "导入", "--role", "cataloguer", "--library", "north")
    headers = {"Authorization": f"Bearer {token['token']}"}
    assert house.json("/api/v1/me", headers=headers)["roles"] == ["cataloguer"]
    house.close()


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    for command in (
        ("library", "add", "x", "馆", "--parent", "nowhere"),
        ("user", "add", " ", "--role", "operator"),
        ("record", "show", "nothing"), ("import", "undo", "nothing"),
        ("import", "records", os.devnull),
    ):  # fmt: skip
        result = run(tmp_path, *command)
        assert result.exit_code in (1, 2), command
        assert "Traceback" not in result.output
        assert isinstance(result.exception, SystemExit)


def test_a_rehearsed_import_changes_nothing_at_all(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    file = tmp_path / "a.jsonl"
    file.write_text('{"src":"t","id":"1","title":"书"}\n{\n')
    result = run(tmp_path, "import", "records", str(file), "--dry-run", "--json")
    found = msgspec.json.decode(result.stdout)
    assert (result.exit_code, found["added"], found["refused"]) == (1, 1, 1)
    assert said(tmp_path, "library", "list") == []
    assert said(tmp_path, "import", "list")["items"] == []


def test_records_are_mended_withdrawn_and_restored(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    house = House(tmp_path)
    record = house.record("红楼梦")
    mended = said(tmp_path, "record", "edit", record, "--set", 'title="石头记"', "--note", "又名")
    assert (mended["description"]["title"], mended["mended"]) == ("石头记", ["title"])
    said(tmp_path, "record", "withdraw", record, "--reason", "误")
    assert house.client.get(f"/api/v1/books/{record}").status_code == 410
    assert said(tmp_path, "record", "restore", record)["state"] == "published"
    assert run(tmp_path, "record", "edit", record, "--set", "titel=x").exit_code == 1
    house.close()
