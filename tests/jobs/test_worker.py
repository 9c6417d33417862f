"""The worker as a process: it stops when told, and may be killed at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE
from threading import Event, Thread, current_thread
from threading import enumerate as enumerate_threads

import pytest
from sqlalchemy import select

from app.errors import NoRoomError
from app.jobs import enqueue, ledger
from app.jobs.bell import open_bell
from app.jobs.models import Job, State
from app.jobs.pulse import Pulse
from app.jobs.queries import figures
from app.jobs.takeover import take_over, worker_name
from app.jobs.work import Work
from app.jobs.worker import Worker
from app.room import Room

from .house import MINUTE, House, written

TESTS = Path(__file__).parent.parent


@contextmanager
def a_worker(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that is ready, and does not outlive the block."""
    command = [sys.executable, "-m", "jobs.killed_worker", url, str(folder)]
    paths = os.pathsep.join(path for path in sys.path if path)
    environ = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{paths}"}
    with (folder.parent / "worker.log").open("a") as log:
        child = subprocess.Popen(command, stdout=PIPE, stderr=log, text=True, env=environ)
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()


def put_many(house: House, count: int) -> None:
    with house.database.transaction() as session:
        for number in range(count):
            enqueue(session, "tests.killed", number=number)


def wait_until_done(house: House, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with house.database.transaction(writes=False) as session:
            counts = figures(session).counts
        if not counts["waiting"] and not counts["running"]:
            return
        time.sleep(0.05)
    raise AssertionError(f"not done: {counts}")


def until(holds: Callable[[], bool], patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def generous(house: House) -> House:
    house.registry.job("tests.killed", max_attempts=50, lease=MINUTE)(lambda _: None)
    return house


def test_twenty_kills_lose_nothing_and_double_nothing(
    generous: House, url: str, folder: Path
) -> None:
    put_many(generous, 400)
    dice = random.Random(20)
    for _ in range(20):
        with a_worker(url, folder):
            time.sleep(dice.uniform(0, 0.15))
    with a_worker(url, folder):
        wait_until_done(generous)
    with generous.database.transaction(writes=False) as session:
        assert figures(session).counts["done"] == 400
        rows = set(session.scalars(select(written.c.key)))
        again = sum(session.scalars(select(Job.attempts))) - 400
    assert rows == {path.name for path in folder.iterdir()} == {str(n) for n in range(400)}
    assert again > 0, "no kill met a job: the test has shown nothing"


def test_sigterm_ends_the_worker_with_nothing_left_claimed(
    generous: House, url: str, folder: Path
) -> None:
    put_many(generous, 200)
    with a_worker(url, folder) as child:
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    with generous.database.transaction(writes=False) as session:
        assert figures(session).counts["running"] == 0
        assert session.scalar(select(Job.id).where(Job.attempts > 1)) is None


def test_what_a_dead_process_held_is_taken_over_at_once(generous: House) -> None:
    put_many(generous, 1)
    machine = worker_name().rpartition("/")[0].rpartition("/")[0]
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert ledger.claim(generous.database, f"{machine}/{gone.pid}/x", generous.leases())
    assert take_over(generous.database, worker_name()) == 1
    assert ledger.claim(generous.database, worker_name(), generous.leases())


def test_what_lives_here_or_on_another_machine_is_left_alone(generous: House) -> None:
    put_many(generous, 2)
    machine = worker_name().rpartition("/")[0].rpartition("/")[0]
    ledger.claim(generous.database, f"{machine}/1/x", generous.leases())
    ledger.claim(generous.database, "elsewhere-boot/999999999/x", generous.leases())
    assert take_over(generous.database, worker_name()) == 0


def test_a_worker_hears_the_bell_and_drains_and_keeps_time(house: House, tmp_path: Path) -> None:
    met, bell = (
        {name: Event() for name in ("job", "drain", "chore")},
        open_bell(f"sqlite:///{tmp_path}/bell.sqlite"),
    )
    house.registry.job("tests.meet")(lambda _: met["job"].set())
    house.registry.periodic("tests.chore", every=MINUTE)(lambda _: met["chore"].set())
    worker = Worker(
        house.database,
        house.registry,
        [],
        bell,
        drains={"tests.drain": lambda: met["drain"].set() or 0},
    )
    thread = Thread(target=worker.run)
    thread.start()
    with house.database.transaction() as session:
        enqueue(session, "tests.meet")
    assert all(event.wait(30) for event in met.values())
    worker.stop()
    thread.join(30)
    assert not thread.is_alive()


class FullDisk(Room):
    """A disk without room for changes; knows whom it refused."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.refused: set[str] = set()

    def require(self) -> None:
        self.refused.add(current_thread().name)
        raise NoRoomError("data", 0, 1)


def test_a_worker_goes_on_when_there_is_room_on_the_disk_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.worker.LOOK_EVERY", 0.05)
    met, full = {name: Event() for name in ("job", "drain", "chore")}, FullDisk(tmp_path)
    house.registry.job("tests.meet")(lambda _: met["job"].set())
    house.registry.periodic("tests.chore", every=MINUTE)(lambda _: met["chore"].set())
    with house.database.transaction() as session:
        enqueue(session, "tests.meet")
    drains = {"tests.drain": lambda: met["drain"].set() or 0}
    worker = Worker(house.database, house.registry, [], house.bell, drains=drains, threads=1)
    thread = Thread(target=worker.run)
    with monkeypatch.context() as patch:
        patch.setattr(house.database, "_room", full)
        thread.start()
        until(lambda: full.refused >= {"jobs-0", "periodic", "tests.drain"})
    assert all(event.wait(30) for event in met.values())
    worker.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_a_heartbeat_that_finds_no_room_beats_again(house: House) -> None:
    pulse, beats = Pulse(), []

    def renew() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise NoRoomError("data", 0, 1)

    with pulse.holding(renew, MINUTE, Event()):
        for _ in range(2):
            pulse.beat(time.monotonic() + 60)
    assert len(beats) == 2


def test_a_job_that_outlasts_the_grace_is_given_back(house: House) -> None:
    begun, may_end = Event(), Event()

    def slow(_: Work[list[str]]) -> None:
        begun.set()
        may_end.wait(60)

    house.registry.job("tests.slow")(slow)
    with house.database.transaction() as session:
        job_id = enqueue(session, "tests.slow")
    worker = Worker(house.database, house.registry, [], house.bell, grace=timedelta(seconds=0.1))
    thread = Thread(target=worker.run)
    thread.start()
    assert begun.wait(30)
    worker.stop()
    thread.join(30)
    may_end.set()
    for left in (each for each in enumerate_threads() if each.name.startswith("jobs-")):
        left.join(30)
    with house.database.transaction(writes=False) as session:
        job = session.scalars(select(Job).where(Job.id == job_id)).one()
    assert (job.state, job.attempts) == (State.WAITING, 0)
