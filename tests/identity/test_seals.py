"""Every event is sealed once, in whatever order writers commit; what was changed since is named."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from house import House
from sqlalchemy import event as events
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import background
from app.cli import main
from app.database import Database, now
from app.identity.services import audit, seals, verifying
from app.identity.services.exporting import export
from app.identity.trail import Verified


def note(session: Session, number: int) -> None:
    actor = audit.Actor("account", "203.0.113.7", "request")
    audit.note(session, actor, "thing.done", f"thing:{number}", "main", number=number, word="字")


def noted(house: House, *numbers: int) -> None:
    for number in numbers:
        with house.database.transaction() as session:
            note(session, number)


def verified(house: House, known: tuple[int, str] | None = None) -> Verified:
    with house.database.transaction(writes=False, snapshot=True) as session:
        return verifying.check_database(session, known)


def tamper(house: House, *statements: str) -> None:
    """As somebody can who owns the database."""
    with house.database.transaction() as session:
        for table in ("audit_events", "audit_leaves", "audit_seals"):
            if house.database.is_sqlite:
                session.execute(text(f"DROP TRIGGER IF EXISTS {table}_update_refused"))
                session.execute(text(f"DROP TRIGGER IF EXISTS {table}_delete_refused"))
            else:
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            assert session.execute(text(statement)).rowcount, statement
        if not house.database.is_sqlite:
            for table in ("audit_events", "audit_leaves", "audit_seals"):
                session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


@pytest.fixture
def sealed(house: House) -> House:
    """Three seals over six events."""
    for first in (1, 3, 5):
        noted(house, first, first + 1)
        background.seal(house.adapters)
    return house


def test_what_is_new_is_sealed_and_nothing_twice(house: House) -> None:
    assert seals.seal_new(house.database) == 0
    noted(house, 1, 2, 3)
    assert verified(house).waiting == 3
    assert seals.seal_new(house.database) == 3
    assert seals.seal_new(house.database) == 0
    noted(house, 4)
    assert seals.seal_new(house.database) == 1
    found = verified(house)
    assert (found.seals, found.events, found.waiting, found.fault) == (2, 4, 0, None)


def test_many_are_sealed_in_more_than_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST", 4)
    noted(house, *range(10))
    assert seals.seal_new(house.database) == 10
    found = verified(house)
    assert (found.seals, found.events, found.fault) == (3, 10, None)


@pytest.mark.engines
def test_what_commits_late_is_in_a_later_seal(house: House) -> None:
    if house.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with house.database.transaction() as first:
        note(first, 1)
        first.flush()
        with house.database.transaction() as second:
            note(second, 2)
            second.flush()
            with house.database.transaction() as third:
                note(third, 3)
            assert seals.seal_new(house.database) == 1
        assert seals.seal_new(house.database) == 1
    assert seals.seal_new(house.database) == 1
    found = verified(house)
    assert (found.seals, found.events, found.fault) == (3, 3, None)


@pytest.mark.engines
def test_two_at_once_make_one_chain(house: House) -> None:
    if house.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    noted(house, 1, 2)
    other = Database(house.settings.database_url)
    with house.database.transaction() as session:
        made = seals._seal(session)
        assert made is not None
        noted(house, 3)
        thread = Thread(target=seals.seal_new, args=(other,))
        thread.start()
        time.sleep(0.3)
    thread.join()
    other.close()
    found = verified(house)
    assert (found.events, found.waiting, found.fault) == (3, 0, None)


@pytest.mark.parametrize("table", ["audit_seals", "audit_leaves", "audit_pending"])
def test_killed_in_the_middle_it_is_all_or_nothing(house: House, table: str) -> None:
    noted(house, 1, 2, 3)

    def die(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        verb = "DELETE FROM" if table == "audit_pending" else ("INSERT INTO", "COPY")
        if statement.startswith(verb) and table in statement[:40]:
            raise KeyboardInterrupt

    events.listen(house.database.engine, "before_cursor_execute", die)
    with pytest.raises(KeyboardInterrupt):
        seals.seal_new(house.database)
    events.remove(house.database.engine, "before_cursor_execute", die)
    assert verified(house).waiting == 3
    assert seals.seal_new(house.database) == 3
    assert verified(house).fault is None


SOME = "SELECT event_id FROM audit_leaves WHERE seal = 2 AND place = 1"
TAMPERED = [
    ("UPDATE audit_events SET actor = 'another' WHERE id = :it", "event {} of seal 2 was changed"),
    ("UPDATE audit_events SET address = '' WHERE id = :it", "event {} of seal 2 was changed"),
    ("UPDATE audit_events SET at = at + 1 WHERE id = :it", "event {} of seal 2 was changed"),
    ("DELETE FROM audit_events WHERE id = :it", "event {} of seal 2 is missing"),
    (
        "DELETE FROM audit_leaves WHERE event_id = :it",
        "of the 2 events of seal 2 not all are there",
    ),
    ("UPDATE audit_leaves SET place = 2 WHERE event_id = :it", "of the 2 events of seal 2 not all"),
    (
        "UPDATE audit_leaves SET seal = 1, place = 2 WHERE event_id = :it",
        "of the 2 events of seal 1",
    ),
    ("UPDATE audit_leaves SET hash = '' WHERE event_id = :it", "event {} of seal 2 was changed"),
    ("UPDATE audit_seals SET count = 1 WHERE number = 2", "seal 2 was changed"),
    ("UPDATE audit_seals SET at = at + 1 WHERE number = 2", "seal 2 was changed"),
    ("UPDATE audit_seals SET previous = seal WHERE number = 2", "seal 2 does not follow"),
    ("DELETE FROM audit_seals WHERE number = 1", "seal 1 is missing"),
    ("DELETE FROM audit_seals WHERE number = 2", "seal 2 is missing"),
    ("DELETE FROM audit_seals WHERE number = 3", "seal 3 is missing"),
    (
        "INSERT INTO audit_events (id, at, action, subject, detail) VALUES ('a', 1, '', '', '')",
        "event a is in no seal",
    ),
]


@pytest.mark.parametrize(("statement", "fault"), TAMPERED)
def test_what_was_tampered_with_is_named(sealed: House, statement: str, fault: str) -> None:
    with sealed.database.transaction(writes=False) as session:
        event = session.scalar(text(SOME))
    tamper(sealed, statement.replace(":it", f"'{event}'"))
    assert (verified(sealed).fault or "").startswith(fault.format(event))


def test_a_whole_forged_tail_is_found_by_a_seal_noted_elsewhere(sealed: House) -> None:
    last = verified(sealed).last
    assert last is not None
    assert verified(sealed, (last.number, last.seal)).fault is None
    tamper(
        sealed,
        "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE seal = 3)",
        "DELETE FROM audit_leaves WHERE seal = 3",
        "DELETE FROM audit_seals WHERE number = 3",
    )
    assert verified(sealed).fault is None
    assert verified(sealed, (last.number, last.seal)).fault == (
        "seal 3, which was noted, is missing"
    )
    noted(sealed, 7, 8)
    seals.seal_new(sealed.database)
    assert verified(sealed, (last.number, last.seal)).fault == (
        "seal 3 is not the one that was noted"
    )


class TestExport:
    @pytest.fixture
    def file(self, sealed: House, tmp_path: Path) -> Path:
        path = tmp_path / "audit.jsonl"
        with sealed.database.transaction(writes=False, snapshot=True) as session:
            done = export(session, path)
        assert (done.seals, done.events) == (3, 6)
        return path

    def test_it_is_for_its_owner_alone(self, file: Path) -> None:
        assert file.stat().st_mode & 0o777 == 0o600

    def test_it_is_verified_without_the_database(self, file: Path) -> None:
        found = verifying.check_file(file)
        assert (found.seals, found.events, found.fault) == (3, 6, None)

    def test_it_is_verified_without_this_program(self, file: Path) -> None:
        """As ``docs/operations/audit.md`` says, by hand."""
        seal: dict[str, Any] = {}
        before, seen = "0" * 64, 0
        for line in map(json.loads, file.read_text().splitlines()):
            if line["kind"] == "seal":
                seal = line
                said = "\n".join(
                    str(seal[n]) for n in ("number", "at", "count", "root", "previous")
                )
                assert sha256(said.encode()).hexdigest() == seal["seal"]
                assert seal["previous"] == before
                before = seal["seal"]
                continue
            found = sha256(b"\0" + line["leaf"].encode()).digest()
            place, count = line["place"], seal["count"]
            for partner in map(bytes.fromhex, line["path"]):
                while place % 2 == 0 and place == count - 1:
                    place, count = place // 2, (count + 1) // 2
                pair = partner + found if place % 2 else found + partner
                found = sha256(b"\1" + pair).digest()
                place, count = place // 2, (count + 1) // 2
            assert found.hex() == seal["root"]
            seen += 1
            leaf = json.loads(line["leaf"])
            assert leaf["subject"] == f"thing:{seen}"
            assert leaf["detail"] == {"number": seen, "word": "字"}
        assert seen == 6

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            (lambda lines: [*lines[:3], *lines[6:]], "seal 2 is missing"),
            (lambda lines: [*lines[:4], *lines[5:]], "of the 2 events of seal 2 not all"),
            (lambda lines: [x.replace("thing:3", "a") for x in lines], "the events of seal 2"),
            (lambda lines: [x.replace('t":2', 't":3') for x in lines], "seal 1 was changed"),
            (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "of the 2 events of seal 1"),
        ],
    )  # fmt: skip
    def test_what_was_changed_in_it_is_named(
        self, file: Path, change: Callable[[list[str]], list[str]], fault: str
    ) -> None:
        file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
        assert (verifying.check_file(file).fault or "").startswith(fault)

    def test_a_proof_that_does_not_hold_is_named(self, file: Path) -> None:
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        lines[1]["path"] = lines[2]["path"]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert "the proof of event" in (verifying.check_file(file).fault or "")

    def test_a_part_begins_with_any_seal(self, sealed: House, tmp_path: Path) -> None:
        path, later = tmp_path / "part.jsonl", now()
        time.sleep(0.01)
        noted(sealed, 7)
        seals.seal_new(sealed.database)
        with sealed.database.transaction(writes=False, snapshot=True) as session:
            done = export(session, path, later, now() + timedelta(hours=1))
        assert (done.seals, done.events) == (1, 1)
        found = verifying.check_file(path)
        assert (found.seals, found.fault) == (1, None)
        assert found.last
        assert found.last.number == 4


def test_the_commands_say_what_they_found(
    sealed: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIJUAN_DATA_DIR", str(sealed.settings.data_dir))
    monkeypatch.setenv("KAIJUAN_DATABASE_URL", sealed.settings.database_url)
    last = verified(sealed).last
    assert last

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["audit", *words])
        return done.exit_code, done.output

    file, said = str(tmp_path / "out.jsonl"), f"{last.number}:{last.seal}"
    code, output = run("verify", "--noted", said)
    assert code == 0, output
    assert "3 seals over 6 events" in output
    assert said in output
    assert run("export", file)[0] == 0
    assert run("export", file)[0] == 1
    assert run("verify", file)[0] == 0
    (tmp_path / "none").write_text("{}\n")
    code, output = run("verify", str(tmp_path / "none"))
    assert (code, "line 1" in output) == (1, True)
    tamper(sealed, "DELETE FROM audit_seals WHERE number = 2")
    code, output = run("verify")
    assert (code, "seal 2 is missing" in output) == (1, True)
    with sealed.database.transaction(writes=False) as session:
        actions = session.scalars(text("SELECT action FROM audit_events")).all()
    assert actions.count("audit.exported") == 1
