"""The bell's engine away, or a drain's: nobody is kept waiting, and it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
import structlog
from away import closed_port, silent_port
from sqlalchemy import insert
from structlog.testing import capture_logs

from app.jobs import connect, enqueue
from app.jobs.bell import HueyBell, open_bell
from app.jobs.chores import Leader
from app.jobs.failing import Failing
from app.jobs.pulse import Pulse
from app.jobs.queries import figures

from .house import House, written


@pytest.mark.parametrize("silent", [False, True])
def test_a_change_is_committed_and_its_job_kept_while_redis_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    monkeypatch.setattr("app.jobs.bell.CONNECTING", 0.1)
    monkeypatch.setattr("app.jobs.bell.ANSWERING", 0.1)
    with _nobody(silent) as port:
        bell = open_bell(f"redis://127.0.0.1:{port}/0")
        connect(house.database, house.registry, bell)
        for number in range(3):
            with house.database.transaction() as session:
                session.execute(insert(written).values(key=str(number)))
                enqueue(session, "tests.write", number=number)
        assert isinstance(bell, HueyBell)
        assert bell.breaker.is_open
        assert not bell.wait(0)
    with house.database.transaction(writes=False) as session:
        assert figures(session).counts["waiting"] == 3


@contextmanager
def _nobody(silent: bool) -> Iterator[int]:
    if not silent:
        yield closed_port()
        return
    with silent_port() as port:
        yield port


def test_an_address_that_is_none_of_redis_names_its_setting() -> None:
    with pytest.raises(Exception, match="KAIJUAN_QUEUE_URL"):
        open_bell("redis://127.0.0.1:6379/0?socket_timeout=soon")


class Drained:
    """An engine that is away for its first few batches."""

    def __init__(self, stopping: Event) -> None:
        self.away = 3
        self.waiting = 2
        self._stopping = stopping

    def __call__(self) -> int:
        if self.away:
            self.away -= 1
            raise ConnectionError
        if not self.waiting:
            self._stopping.set()
            return 0
        self.waiting -= 1
        return 1


def test_a_drain_goes_on_by_itself_and_says_once_that_it_could_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.chores.LOOK_EVERY", 0.0)
    # One that was used before keeps writing to where logs went at that time.
    monkeypatch.setattr("app.jobs.chores.log", structlog.get_logger())
    stopping, rung = Event(), Event()
    drained = Drained(stopping)
    leader: Leader[Any] = Leader(house.database, None, "tests", Pulse(), stopping)
    with capture_logs() as logs:
        leader.drain("tests", drained, rung)
    assert (drained.away, drained.waiting) == (0, 0)
    said = [entry["event"] for entry in logs]
    assert said == ["a drain failed and is tried again", "a drain goes on"]


def test_another_failure_is_news() -> None:
    failing = Failing()
    assert [failing.is_news(e) for e in (OSError(), OSError(), ValueError())] == [True, False, True]
    assert (failing.is_over(), failing.is_over()) == (True, False)
