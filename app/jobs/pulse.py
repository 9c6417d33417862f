"""Heartbeats: while work goes on, its claim or lease is held in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Lock

import structlog

from app.jobs.errors import LostClaimError
from app.jobs.failing import Failing

log = structlog.get_logger(__name__)

BEATS_PER_LEASE = 3
TICK = 0.5


@dataclass(slots=True, eq=False)
class _Held:
    renew: Callable[[], None]
    every: float
    due: float
    lost: Event
    failing: Failing = field(default_factory=Failing)


class Pulse:
    """Renews everything that is held, each a third of its lease after the last time."""

    def __init__(self) -> None:
        self._held: set[_Held] = set()
        self._lock = Lock()

    @contextmanager
    def holding(self, renew: Callable[[], None], span: timedelta, lost: Event) -> Iterator[None]:
        """Renews while the block runs; sets ``lost`` once that finds the holder to be another."""
        every = span.total_seconds() / BEATS_PER_LEASE
        held = _Held(renew, every, time.monotonic() + every, lost)
        with self._lock:
            self._held.add(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(held)

    def run(self, stopping: Event) -> None:
        """Beats until ``stopping`` is set."""
        while not stopping.wait(TICK):
            self.beat(time.monotonic())

    def beat(self, moment: float) -> None:
        """Renews what is due at ``moment`` on the monotonic clock."""
        with self._lock:
            due = [held for held in self._held if held.due <= moment]
        for held in due:
            held.due = moment + held.every
            try:
                held.renew()
                held.failing.is_over()
            except LostClaimError:
                held.lost.set()
            except Exception as error:  # the beat must go on, or everything that is held runs out
                if held.failing.is_news(error):
                    log.warning("a heartbeat failed and is tried again", exc_info=True)
                held.due = moment
