"""The worker: threads that do jobs, one that does periodic work, one for each drain.

Threads suffice, since parsing happens in child processes anyway; for more cores start more
workers. It may be killed at any moment: what it held is taken over.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from queue import Empty, Full, Queue
from threading import Event, Thread
from types import FrameType
from typing import Generic, TypeVar

import structlog

from app.database import Database
from app.errors import UnavailableError
from app.jobs.bell import Bell
from app.jobs.chores import LOOK_EVERY, Drain, Leader
from app.jobs.failing import Failing
from app.jobs.pulse import Pulse
from app.jobs.registry import Registry
from app.jobs.runner import Runner
from app.jobs.takeover import take_over, worker_name

log = structlog.get_logger(__name__)

C = TypeVar("C")

GRACE = timedelta(seconds=20)


class Worker(Generic[C]):
    """Everything that works in the background of one process.

    ``drains`` by name are run without end, each by one worker at a time; ``away`` are the errors
    that mean an engine is away, after which a job waits without losing an attempt.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry[C],
        context: C,
        bell: Bell,
        *,
        drains: Mapping[str, Drain] | None = None,
        threads: int = 2,
        grace: timedelta = GRACE,
        away: tuple[type[Exception], ...] = (UnavailableError,),
    ) -> None:
        self.name = worker_name()
        self._database, self._bell, self._grace = database, bell, grace
        self._periodics = list(registry.periodics.values())
        self._drains = {name: (run, Event()) for name, run in (drains or {}).items()}
        self._threads = threads
        self._stopping, self._ended = Event(), Event()
        self._looks: Queue[None] = Queue(maxsize=threads)
        self._pulse = Pulse()
        self._runner = Runner(
            database,
            registry,
            context,
            name=self.name,
            pulse=self._pulse,
            stopping=self._stopping,
            away=away,
        )
        self._leader = Leader(database, context, self.name, self._pulse, self._stopping)

    def step(self) -> bool:
        """Does one job in this thread if any is due; for tests and commands."""
        return self._runner.step()

    def run(self) -> None:
        """Works until ``stop``; then waits ``grace`` for what is being done, gives back the rest.

        Threads that have not ended by then are daemons: they end with the process, and nothing
        that they still try to write is accepted.
        """
        self._take_over()
        pulse = self._start("pulse", lambda: self._pulse.run(self._ended))
        threads = self._start_all()
        log.info("worker started", worker=self.name, threads=self._threads)
        self._stopping.wait()
        self._wake_all()
        deadline = time.monotonic() + self._grace.total_seconds()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._runner.give_back()
        self._ended.set()
        pulse.join()
        log.info("worker stopped", worker=self.name)

    def run_until_signal(self) -> None:
        """``run`` in the main thread of a process, until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.run()

    def stop(self) -> None:
        """Has ``run`` return; may be called from any thread or signal handler, and again."""
        self._stopping.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _take_over(self) -> None:
        """Waits for the database if need be: the services of a machine start in any order."""
        failing = Failing()
        while not (self._stopping.is_set() or self._try(self._take, failing)):
            pass

    def _take(self) -> None:
        take_over(self._database, self.name)

    def _start_all(self) -> list[Thread]:
        loops: dict[str, Callable[[], None]] = {
            f"jobs-{number}": self._do_jobs for number in range(self._threads)
        }
        loops["periodic"] = self._do_periodics
        for name, (run, rung) in self._drains.items():
            loops[name] = self._draining(name, run, rung)
        listening = self._start("bell", self._listen)
        return [listening, *(self._start(name, self._for_ever(do)) for name, do in loops.items())]

    def _start(self, name: str, loop: Callable[[], None]) -> Thread:
        thread = Thread(target=loop, name=name, daemon=True)
        thread.start()
        return thread

    def _for_ever(self, do: Callable[[], None]) -> Callable[[], None]:
        """Nothing but ``stop`` ends a loop, least of all an engine that is away for a while."""

        def loop() -> None:
            failing = Failing()
            while not self._stopping.is_set():
                self._try(do, failing)

        return loop

    def _try(self, do: Callable[[], None], failing: Failing) -> bool:
        """Whether it was done; where it fails, rests first.

        Whatever it fails with: a thread that ends is missed by nobody until its work is.
        """
        try:
            do()
        except Exception as error:
            if failing.is_news(error):
                log.exception("the worker could not go on, and tries again")
            self._stopping.wait(LOOK_EVERY)
            return False
        failing.is_over()
        return True

    def _do_jobs(self) -> None:
        if self._runner.step():
            self._wake_one()  # where there was one job there may be more for another thread
        else:
            self._await_look()

    def _do_periodics(self) -> None:
        for periodic in self._periodics:
            if not self._stopping.is_set():
                self._leader.do(periodic)
        self._stopping.wait(LOOK_EVERY)

    def _draining(self, name: str, run: Drain, rung: Event) -> Callable[[], None]:
        def drain() -> None:
            self._leader.drain(name, run, rung)
            self._stopping.wait(LOOK_EVERY)

        return drain

    def _listen(self) -> None:
        while not self._stopping.is_set():
            if self._bell.wait(LOOK_EVERY):
                self._wake_all()

    def _wake_all(self) -> None:
        self._wake_one()
        for _, rung in self._drains.values():
            rung.set()

    def _wake_one(self) -> None:
        with suppress(Full):
            self._looks.put_nowait(None)

    def _await_look(self) -> None:
        with suppress(Empty):
            self._looks.get(timeout=LOOK_EVERY)
