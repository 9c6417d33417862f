"""Circuit breakers: an engine that fails again and again is left alone for a while.

Without one, every request waits for the same timeout, and the threads that wait are missing where
nothing is wrong. Each process has its own; what it finds out costs it a few failures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import structlog
from prometheus_client import Counter, Gauge

log = structlog.get_logger(__name__)

FAILURES = 3
"""Failures in a row after which calls fail at once."""
WINDOW = 30.0
"""Seconds within which they must lie: rarer ones are an engine's bad moments, no outage."""
REST = 5.0
"""Seconds between two trials while an engine is away."""

OPEN = Gauge(
    "kaijuan_breaker_open",
    "1 while calls of this engine fail at once, in the process that noticed last.",
    ("engine",),
    multiprocess_mode="mostrecent",
)
FAILED = Counter(
    "kaijuan_engine_failures_total", "Calls that an engine did not answer.", ("engine",)
)
SPARED = Counter("kaijuan_breaker_spared_total", "Calls that failed at once, untried.", ("engine",))


class RestingError(Exception):
    """The engine has failed too often of late; it was not asked. Guards make it their own error."""

    def __init__(self, engine: str) -> None:
        super().__init__(f"the {engine} failed several times in a row and is left alone for now")
        self.engine = engine


class Breaker:
    """Knows whether one engine is worth asking; safe for threads. ``clock`` is in seconds."""

    def __init__(
        self,
        engine: str,
        *,
        failures: int = FAILURES,
        window: float = WINDOW,
        rest: float = REST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._most, self._window, self._rest, self._clock = failures, window, rest, clock
        self._lock = Lock()
        self._failures: list[float] = []
        self._next_trial: float | None = None
        OPEN.labels(engine).set(0)  # one that was killed meanwhile must not have the last word

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once, apart from a trial now and then."""
        return self._next_trial is not None

    @contextmanager
    def call(self, is_away: Callable[[Exception], bool], *, proves: bool = True) -> Iterator[None]:
        """Around one call: of its errors, those that ``is_away`` knows count as failures.

        Whatever else comes of it is an answer; where it may come from memory it ``proves``
        nothing, and the next call is the trial in its place.

        :raises RestingError: when the engine is left alone.
        """
        answered = self._answered if proves else self._pass_on
        self._admit()
        try:
            yield
        except Exception as error:
            if is_away(error):
                self._failed(error)
            else:
                answered()
            raise
        answered()

    def _admit(self) -> None:
        """One caller goes on as a trial; when it hangs, another may after one more rest."""
        if not self.is_open:
            return
        with self._lock:
            moment = self._clock()
            if self._next_trial is None:
                return
            if moment >= self._next_trial:
                self._next_trial = moment + self._rest
                return
        SPARED.labels(self.engine).inc()
        raise RestingError(self.engine)

    def _pass_on(self) -> None:
        with self._lock:
            if self._next_trial is not None:
                self._next_trial = self._clock()

    def _failed(self, error: Exception) -> None:
        FAILED.labels(self.engine).inc()
        with self._lock:
            moment = self._clock()
            since = moment - self._window
            self._failures = [*(at for at in self._failures if at > since), moment][-self._most :]
            opens = self._next_trial is None and len(self._failures) == self._most
            if is_open := opens or self._next_trial is not None:
                self._next_trial = moment + self._rest
        if is_open:
            OPEN.labels(self.engine).set(1)
        if opens:
            log.warning("engine away", engine=self.engine, error=str(error)[:500])

    def _answered(self) -> None:
        if not self._failures and self._next_trial is None:
            return
        with self._lock:
            was_open = self._next_trial is not None
            self._next_trial = None
            self._failures.clear()
        if was_open:
            OPEN.labels(self.engine).set(0)
            log.info("engine back", engine=self.engine)
