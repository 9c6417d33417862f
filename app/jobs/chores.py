"""Work under a lease: what is done every so often, and what is drained without end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.errors import KaijuanError
from app.jobs import leases
from app.jobs.errors import LostClaimError
from app.jobs.failing import Failing
from app.jobs.leases import Lease
from app.jobs.pulse import Pulse
from app.jobs.registry import LEASE, Periodic

log = structlog.get_logger(__name__)

C = TypeVar("C")

Held = AbstractContextManager[None]

LOOK_EVERY = 1.0
"""Seconds between two looks without a bell."""
LONGEST_REST = 10.0
"""Seconds that a drain rests at most when it fails again and again: so late it goes on."""

Drain = Callable[[], int]
"""Does a batch of what has gathered and says how many; 0 when there is nothing."""


@dataclass(frozen=True, slots=True)
class Leader(Generic[C]):
    """Leads, under one worker's name, whatever lease it can get."""

    database: Database
    context: C
    name: str
    pulse: Pulse
    stopping: Event

    def do(self, periodic: Periodic[C]) -> bool:
        """Does the work if it is due and nobody else is at it; says whether it was done.

        One that fails is logged, and due again after its time, like one that was done.
        """
        lease = leases.take(
            self.database, periodic.name, self.name, periodic.lease, every=periodic.every
        )
        if lease is None:
            return False
        with self._holding(lease, periodic.lease, Event()):
            try:
                periodic.run(self.context)
            except Exception:
                log.exception("periodic work failed", work=periodic.name)
        return self._release(lease, done=True)

    def drain(self, name: str, run: Drain, rung: Event) -> None:
        """Drains under the lease until stopped or until the lease is lost; ``rung`` wakes it."""
        lease = leases.take(self.database, name, self.name, LEASE)
        if lease is None:
            return
        lost, rest = Event(), LOOK_EVERY
        failing = Failing()
        with self._holding(lease, LEASE, lost):
            while not (lost.is_set() or self.stopping.is_set()):
                rung.clear()
                try:
                    done, rest = run(), LOOK_EVERY
                except Exception as error:
                    if failing.is_news(error):
                        log.exception("a drain failed and is tried again", drain=name)
                    self.stopping.wait(rest)
                    rest = min(rest * 2, LONGEST_REST)
                    continue
                if failing.is_over():
                    log.info("a drain goes on", drain=name)
                if not done:
                    rung.wait(LOOK_EVERY)
        self._release(lease)

    def _holding(self, lease: Lease, span: timedelta, lost: Event) -> Held:
        return self.pulse.holding(partial(leases.renew, self.database, lease, span), span, lost)

    def _release(self, lease: Lease, *, done: bool = False) -> bool:
        try:
            leases.release(self.database, lease, done=done)
        except (LostClaimError, SQLAlchemyError, KaijuanError):
            log.warning("a lease was lost while its work was done", lease=lease.name)
            return False
        return done
