"""Imports of readers can be repeated, killed, resumed and undone, and end with the same readers."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from database.plans import issued
from house import House, environ_of
from sqlalchemy import func, select, update

from app.database import now
from app.errors import ConflictError
from app.identity.handles import normal
from app.identity.models import (
    Account,
    AuditEvent,
    Card,
    Handle,
    Library,
    ReaderImport,
    ReaderImportProblem,
)
from app.identity.reports import ReaderReport
from app.identity.services import cards, homes, missing, parting, registering, undoing
from app.identity.services.audit import SYSTEM

from .people import person
from .rosters import LIBRARY, card, counts, known, readers, said, table, take


@pytest.fixture
def net(house: House) -> House:
    """A network of libraries."""
    house.network()
    return house


def undo(house: House, report: ReaderReport) -> tuple[int, int, int]:
    done = undoing.undo(house.database, SYSTEM, report.id or "")
    return (done.removed, done.restored, done.kept)


def numbers(house: House) -> tuple[int, int, int]:
    """Accounts of the library, its cards, and its readers as they are counted; all that is
    counted is right."""
    with house.database.transaction(writes=False) as session:
        assert homes.wrong(session) == 0
        accounts = select(func.count()).where(Account.home_id == LIBRARY)
        cards = select(func.count()).where(Card.library_id == LIBRARY)
        handles = select(func.count()).where(Handle.library_id == LIBRARY)
        found = [session.scalar(one) or 0 for one in (accounts, cards, handles)]
        return (found[0], found[1], found[2])


def states(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        return list(session.scalars(select(ReaderImport.state).order_by(ReaderImport.id)))


def test_readers_get_accounts_and_cards_of_their_library(net: House, tmp_path: Path) -> None:
    report = take(net, table(tmp_path / "a", *readers(range(3))))
    assert (counts(report), numbers(net)) == ((3, 3, 0, 0, 0), (3, 3, 3))
    found = known(net, "a-000001")
    assert (found.name, found.home_id, found.assurance) == ("王**", LIBRARY, 2)
    assert (found.state, found.claimed_at) == ("open", None)


def test_a_second_run_changes_nothing(net: House, tmp_path: Path) -> None:
    path = table(tmp_path / "a", *readers(range(5)), "坏的")
    first, second = take(net, path), take(net, path)
    assert (counts(first), counts(second)) == ((6, 5, 0, 0, 1), (6, 0, 0, 5, 1))
    assert numbers(net) == (5, 5, 5)


def test_a_rehearsal_says_what_would_be_and_changes_nothing(net: House, tmp_path: Path) -> None:
    take(net, table(tmp_path / "a", *readers(range(3))))
    path = table(tmp_path / "b", "A000000,李四,,,挂失,", *readers(range(1, 2)), "A9,赵六,,,,")
    report = take(net, path, dry_run=True, whole=True)
    assert (counts(report), report.missing) == ((3, 1, 1, 1, 0), 1)
    assert (numbers(net), states(net)) == ((3, 3, 3), ["done"])


def test_what_a_library_says_anew_is_kept(net: House, tmp_path: Path) -> None:
    take(net, table(tmp_path / "a", "A1,王小明,13800001111,,正常,2099-12-31"))
    before = known(net, "A1")
    report = take(net, table(tmp_path / "b", "A1,李小明,13800002222,,挂失,长期"))
    found = known(net, "A1")
    assert (counts(report), found.name) == ((1, 0, 1, 0, 0), "李**")
    assert (found.state, found.expires_at) == ("suspended", None)
    assert found.contact != before.contact


def test_of_a_card_twice_in_a_file_the_first_row_counts_every_time(
    net: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "CHUNK", 2)
    path = table(tmp_path / "a", "A1,王小明,,,,", "A1,李四,,,,", "A2,王,,,,", "a-1,赵六,,,,")
    for run in range(2):
        report = take(net, path)
        assert said(report) == [("line 3", "repeated"), ("line 5", "repeated")], run
        assert (report.added + report.unchanged, report.refused) == (2, 2)
    assert known(net, "A1").name == "王**"


def test_the_same_number_at_another_library_is_another_card(net: House, tmp_path: Path) -> None:
    path = table(tmp_path / "a", "A1,王小明,,,,")
    take(net, path)
    assert counts(take(net, path, library="south")) == (1, 1, 0, 0, 0)
    assert known(net, "A1", "south").id != known(net, "A1").id


def test_what_an_import_costs_does_not_grow_with_its_rows(net: House, tmp_path: Path) -> None:
    made = []
    for number, size in enumerate((20, 400)):
        path = table(tmp_path / "a", *readers(range(number * 1000, number * 1000 + size)))
        with issued() as statements:
            take(net, path)
        made.append(len(statements))
    assert made[0] == made[1]


def away(_report: ReaderReport) -> None:
    raise ConnectionError


def test_a_fault_between_chunks_loses_and_doubles_nothing(
    net: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "CHUNK", 10)
    path = table(tmp_path / "a", *readers(range(14)), "坏的", "A000003,李四,,,,", *readers([50]))
    with pytest.raises(ConnectionError):
        take(net, path, progress=away)
    assert states(net) == ["running"]
    report = take(net, path)
    assert (counts(report), states(net)) == ((17, 15, 0, 0, 2), ["done"])
    assert said(report) == [("line 16", "card-invalid"), ("line 17", "repeated")]
    assert numbers(net) == (15, 15, 15)


def test_two_imports_for_one_library_are_not_done_at_once(
    net: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "CHUNK", 2)
    path, other = table(tmp_path / "a", *readers(range(5))), table(tmp_path / "b", *readers([9]))

    def beside(_report: ReaderReport) -> None:
        for one in (path, other):
            with pytest.raises(ConflictError, match="being imported"):
                take(net, one)
        take(net, other, library="south")

    assert counts(take(net, path, progress=beside)) == (5, 5, 0, 0, 0)
    assert numbers(net) == (5, 5, 5)


def test_what_was_thought_dead_writes_no_more(
    net: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "CHUNK", 2)
    path = table(tmp_path / "a", *readers(range(5)))

    def silent(_report: ReaderReport) -> None:
        with net.database.transaction() as session:
            session.execute(update(ReaderImport).values(held_until=now()))
        assert counts(take(net, path)) == (5, 5, 0, 0, 0)

    with pytest.raises(ConflictError, match="taken over"):
        take(net, path, progress=silent)
    assert numbers(net) == (5, 5, 5)


def test_another_file_stops_one_that_was_interrupted(net: House, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        take(net, table(tmp_path / "a", *readers(range(5))), progress=away)
    take(net, table(tmp_path / "b", *readers(range(6))))
    assert (states(net), numbers(net)) == (["stopped", "done"], (6, 6, 6))


@pytest.mark.parametrize("seed", range(2))
def test_an_import_that_is_killed_and_started_again_doubles_nobody(
    net: House, tmp_path: Path, seed: int
) -> None:
    path = table(tmp_path / "a", *readers(range(9_000)))
    data = environ_of(net.settings.data_dir)
    environ = {**os.environ, **data, "KAIJUAN_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "app.cli", "import", "readers", str(path)]
    command += ["--library", LIBRARY, "--whole", "--json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as child:
        while not states(net) and child.poll() is None:
            time.sleep(0.02)
        time.sleep(random.Random(seed).uniform(0, 0.8))
        child.send_signal(signal.SIGKILL)
    subprocess.run(command, env=environ, check=True, capture_output=True)
    assert (numbers(net), states(net)[-1]) == ((9_000, 9_000, 9_000), "done")


def test_cards_that_the_whole_lacks_are_suspended_and_come_back(net: House, tmp_path: Path) -> None:
    whole, less = readers(range(100)), readers(range(1, 100))
    take(net, table(tmp_path / "a", *whole), whole=True)
    report = take(net, table(tmp_path / "b", *less), whole=True)
    account = known(net, "A000000")
    assert (report.missing, report.suspended, account.state) == (1, 1, "missing")
    assert said(report) == [(f"account {account.id}", "missing")]
    assert account.closed_at is None
    back = take(net, table(tmp_path / "a", *whole), whole=True)
    assert (counts(back), known(net, "A000000").state) == ((100, 0, 1, 99, 0), "open")


def test_a_file_that_was_cut_off_suspends_nobody_unless_told(net: House, tmp_path: Path) -> None:
    take(net, table(tmp_path / "a", *readers(range(100))))
    half = table(tmp_path / "b", *readers(range(50)))
    report = take(net, half, whole=True)
    assert (report.missing, report.suspended) == (50, 0)
    assert said(report) == [("file", "too-many-missing")]
    assert known(net, "A000099").state == "open"
    assert take(net, half, whole=True, at_most=50).suspended == 50


@pytest.mark.parametrize("torn", ['"A0000', "坏的"])
def test_rows_that_cannot_be_read_may_be_of_the_missing_cards(
    net: House, tmp_path: Path, torn: str
) -> None:
    take(net, table(tmp_path / "a", *readers(range(20))))
    report = take(net, table(tmp_path / "b", *readers(range(19)), torn), whole=True)
    assert (report.missing, report.suspended) == (1, 0)
    assert said(report)[-1] == ("file", "whole-unsure")


def test_a_refused_row_shows_that_its_card_is_not_missing(net: House, tmp_path: Path) -> None:
    take(net, table(tmp_path / "a", *readers(range(20))))
    report = take(net, table(tmp_path / "b", *readers(range(19)), "A000019,,,,怪,"), whole=True)
    assert (report.refused, report.missing) == (1, 0)


def test_an_interrupted_suspending_goes_on(
    net: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(net, table(tmp_path / "a", *readers(range(100))))
    monkeypatch.setattr(missing, "AT_ONCE", 40)
    path = table(tmp_path / "b", *readers(range(91, 100)))

    def fail(report: ReaderReport) -> None:
        if report.suspended:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        take(net, path, whole=True, at_most=95, progress=fail)
    report = take(net, path, whole=True, at_most=95)
    assert (report.missing, report.suspended, len(report.problems)) == (91, 91, 91)


def test_undoing_removes_whom_it_added_and_puts_back_what_it_changed(
    net: House, tmp_path: Path
) -> None:
    take(net, table(tmp_path / "a", *readers(range(20))))
    before = known(net, "A000000")
    rows = ["A000000,李四,,,挂失,", *readers(range(1, 19)), "B1,新人,,,,"]
    report = take(net, table(tmp_path / "b", *rows), whole=True)
    assert known(net, "A000019").state == "missing"
    assert undo(net, report) == (1, 2, 0)
    assert known(net, "A000000") == before
    assert (known(net, "A000019").state, card(net, "B1")) == ("open", None)
    assert (numbers(net), undo(net, report)) == ((20, 20, 20), (0, 0, 0))


def test_undoing_one_import_after_another_removes_nobody_whom_an_earlier_one_added(
    net: House, tmp_path: Path
) -> None:
    added = take(net, table(tmp_path / "a", *readers(range(3))))
    changed = take(net, table(tmp_path / "b", "A000000,李四,,,,"))
    again = take(net, table(tmp_path / "c", "A000000,赵六,,,,"))
    assert undo(net, again) == (0, 1, 0)
    assert known(net, "A000000").name == "李*"
    assert undo(net, changed) == (0, 0, 0)
    assert (known(net, "A000000").name, numbers(net)) == ("李*", (3, 3, 3))
    assert undo(net, added) == (2, 0, 0)


def test_undoing_leaves_what_is_somebodys_by_now(net: House, tmp_path: Path) -> None:
    report = take(net, table(tmp_path / "a", *readers(range(3))))
    with net.database.transaction() as session:
        session.execute(update(Card).values(claimed_at=now(), contact=None).where(
            Card.lookup == select(Handle.lookup).where(
                Handle.account_id == known(net, "A000001").id).scalar_subquery()))  # fmt: skip
    assert undo(net, report) == (2, 0, 1)
    assert numbers(net) == (1, 1, 1)


def test_who_waits_for_a_card_that_is_being_claimed_sees_it_claimed(
    net: House, tmp_path: Path
) -> None:
    report, lookup = take(net, table(tmp_path / "a", "A1,王小明,,,,")), _lookup(net, "A1")

    def is_claimable() -> bool:
        with net.database.transaction() as session:
            found = registering.find(session, lookup)
            return found is not None and cards.is_claimable(found)

    with ThreadPoolExecutor(2) as pool:
        with net.database.transaction() as session:
            found = registering.find(session, lookup)
            waiting = pool.submit(is_claimable), pool.submit(undo, net, report)
            time.sleep(0.2)  # for both to come as far as the lock
            cards.claimed(session, found)  # type: ignore[arg-type]  # it is there
        assert (waiting[0].result(), waiting[1].result()) == (False, (0, 0, 1))


def test_of_an_account_that_its_library_did_not_make_only_the_card_is_kept(
    net: House, tmp_path: Path
) -> None:
    owner = person(net, "13800001234")
    with net.database.transaction() as session:
        from_before = Handle(
            kind="card", lookup=_lookup(net, "A1"), account_id=owner, library_id=LIBRARY,
            mask="****", sealed=b"-", added_at=now(), verified_at=None,
        )  # fmt: skip
        session.add(from_before)
    report = take(net, table(tmp_path / "a", "A1,别人,13800009999,,,"))
    found = known(net, "A1")
    assert counts(report) == (1, 0, 1, 0, 0)
    assert (found.id, found.name, found.contact) == (owner, "王小明", None)
    assert found.claimed_at is not None
    assert counts(take(net, tmp_path / "a")) == (1, 0, 0, 1, 0)


def _lookup(house: House, number: str) -> str:
    return normal(number, LIBRARY).lookup(house.adapters.sealer)


def test_nothing_of_a_person_is_in_problems_or_audit(net: House, tmp_path: Path) -> None:
    rows = ["A1234567,王小明,13812345678,x@example.org,怪词,", "A1234568,王小明,13812345678,,,"]
    report = take(net, table(tmp_path / "a", *rows, "A1234568,王小明,,,,", "王小明,,,"))
    with net.database.transaction(writes=False) as session:
        problems = session.execute(select(ReaderImportProblem.place, ReaderImportProblem.message))
        events = session.execute(select(AuditEvent.action, AuditEvent.subject, AuditEvent.detail))
        text = repr([*problems.all(), *events.all(), report])
    assert "readers.imported" in text
    for secret in ("A123456", "王小明", "13812345678", "example.org", "怪词"):
        assert secret not in text


def test_a_library_that_takes_no_readers_imports_none(net: House, tmp_path: Path) -> None:
    with net.database.transaction() as session:
        session.get_one(Library, LIBRARY).state = "suspended"
    with pytest.raises(ConflictError):
        take(net, table(tmp_path / "a", *readers([1])))
