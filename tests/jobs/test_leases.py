"""Leases: one leader at a time, and periodic work once in its time."""

from datetime import timedelta
from threading import Event

import pytest
import time_machine

from app.jobs import leases
from app.jobs.chores import Leader
from app.jobs.errors import LostClaimError
from app.jobs.pulse import Pulse
from app.jobs.registry import Periodic

from .house import MINUTE, START, House


def leader(house: House, name: str) -> Leader[list[str]]:
    return Leader(house.database, house.done, name, Pulse(), house.stopping)


def test_a_lease_has_one_holder(house: House) -> None:
    lease = leases.take(house.database, "tests.drain", "one/1/a", MINUTE)
    assert lease is not None
    assert leases.take(house.database, "tests.drain", "two/2/b", MINUTE) is None
    leases.release(house.database, lease)
    assert leases.take(house.database, "tests.drain", "two/2/b", MINUTE) is not None


def test_a_lease_that_ran_out_is_taken_and_its_old_holder_can_write_nothing(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        old = leases.take(house.database, "tests.drain", "one/1/a", MINUTE)
        clock.shift(MINUTE)
        assert leases.take(house.database, "tests.drain", "two/2/b", MINUTE) is not None
        assert old is not None
        with pytest.raises(LostClaimError):
            leases.renew(house.database, old, MINUTE)
        with pytest.raises(LostClaimError), house.database.transaction() as session:
            leases.guard(session, old)


def test_periodic_work_is_done_once_in_its_time_however_many_leaders(house: House) -> None:
    chore: Periodic[list[str]] = Periodic(
        "tests.daily", lambda done: done.append("x"), MINUTE, MINUTE
    )
    with time_machine.travel(START, tick=False) as clock:
        for name in ("one/1/a", "two/2/b"):
            leader(house, name).do(chore)
        assert house.done == ["x"]
        clock.shift(MINUTE)
        leader(house, "two/2/b").do(chore)
    assert house.done == ["x", "x"]


def test_periodic_work_that_fails_is_due_again_after_its_time(house: House) -> None:
    def fail(done: list[str]) -> None:
        done.append("tried")
        raise RuntimeError

    chore = Periodic("tests.daily", fail, MINUTE, MINUTE)
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(2):
            leader(house, "one/1/a").do(chore)
        clock.shift(MINUTE + timedelta(seconds=1))
        leader(house, "one/1/a").do(chore)
    assert house.done == ["tried", "tried"]


def test_a_drain_is_run_again_at_once_while_it_finds_something(house: House) -> None:
    left = [3, 2, 1]

    def run() -> int:
        house.done.append("x")
        if len(left) == 1:
            house.stopping.set()
        return left.pop(0)

    leader(house, "one/1/a").drain("tests.drain", run, Event())
    assert len(house.done) == 3
    assert leases.take(house.database, "tests.drain", "two/2/b", MINUTE) is not None


def test_a_drain_that_another_leads_is_left_alone(house: House) -> None:
    leases.take(house.database, "tests.drain", "one/1/a", MINUTE)
    leader(house, "two/2/b").drain("tests.drain", lambda: house.done.append("x") or 0, Event())
    assert house.done == []


def test_a_heart_beats_a_third_of_the_lease_and_tells_of_a_loss() -> None:
    beats, lost, pulse = list[str](), Event(), Pulse()

    def renew() -> None:
        beats.append("x")
        if len(beats) == 2:
            raise LostClaimError("tests.drain", 1)

    with pulse.holding(renew, timedelta(seconds=0), lost):
        pulse.beat(float("inf"))
        assert not lost.is_set()
        pulse.beat(float("inf"))
    assert lost.is_set()
    pulse.beat(float("inf"))
    assert len(beats) == 2
