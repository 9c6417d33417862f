"""The bell rings after commits, and never gets in anybody's way."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from app.config import SettingError
from app.database import now
from app.jobs import enqueue, ring_after_commit
from app.jobs.bell import MOST_PENDING, HueyBell, open_bell

from .house import MINUTE, House, written


class Away:
    """A storage whose engine is away."""

    tries = 0

    def queue_size(self) -> int:
        self.tries += 1
        raise ConnectionError

    dequeue = queue_size


def test_a_ring_is_heard_once(tmp_path: Path) -> None:
    bell = open_bell(f"sqlite:///{tmp_path}/bell.sqlite")
    bell.ring()
    assert bell.wait(0)
    assert not bell.wait(0)


def test_a_ring_is_heard_through_another_opening_of_the_same_bell(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/bell.sqlite"
    open_bell(address).ring()
    assert open_bell(address).wait(0)


def test_rings_that_nobody_hears_do_not_pile_up(tmp_path: Path) -> None:
    bell = open_bell(f"sqlite:///{tmp_path}/bell.sqlite")
    for _ in range(100):
        bell.ring()
    assert sum(bell.wait(0) for _ in range(100)) == MOST_PENDING


def test_a_bell_that_is_away_raises_nothing_and_rests() -> None:
    storage = Away()
    bell = HueyBell(storage)
    bell.ring()
    bell.ring()
    assert storage.tries == 1
    assert not bell.wait(0)


def test_a_bell_that_cannot_be_opened_names_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="KAIJUAN_QUEUE_URL"):
        open_bell(f"sqlite:///{tmp_path}/missing/bell.sqlite")


def test_many_jobs_of_a_transaction_ring_once_after_it(house: House) -> None:
    with house.database.transaction() as session:
        for number in range(5):
            enqueue(session, "tests.write", number=number)
        assert house.bell.rings == 0
    assert house.bell.rings == 1


def test_a_savepoint_does_not_ring(house: House) -> None:
    with house.database.transaction() as session:
        with session.begin_nested():
            ring_after_commit(session)
        assert house.bell.rings == 0
        session.execute(insert(written).values(key="k"))
    assert house.bell.rings == 1


def test_a_job_for_later_does_not_ring(house: House) -> None:
    with house.database.transaction() as session:
        enqueue(session, "tests.write", run_after=now() + MINUTE)
    assert house.bell.rings == 0
