"""Liveness, readiness with each engine's state, and Prometheus metrics."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from functools import cache
from ipaddress import ip_address
from threading import Lock, Thread

import msgspec
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client import generate_latest as generate
from prometheus_client.multiprocess import MultiProcessCollector

from app.errors import ForbiddenError
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints

LATENCY = Histogram(
    "kaijuan_request_seconds",
    "Seconds from the first byte to the answer, by route rule.",
    ("method", "rule"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Counter("kaijuan_answers_total", "Answers by route rule and status.", ("rule", "status"))

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What is counted by name: a stranger may send any word as a method."""
_latency = cache(LATENCY.labels)
_answers = cache(ANSWERS.labels)
health = Endpoints("web.health")


PATIENCE = 2.0
"""Seconds for all checks together: a load balancer does not wait longer."""


class EngineState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether an engine answers, and what it says of itself.

    One that is away and ``degraded`` takes part of the service with it, not the whole.
    """

    ok: bool
    detail: str = ""
    degraded: bool = False


class Checks:
    """The engines that readiness asks. A check raises, or returns what is worth knowing.

    Without those ``required`` nothing can be served. Checks run beside each other; one that hangs
    is given up after ``patience`` seconds, and is not begun again before it ends.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], str]],
        *,
        required: Collection[str] = ("database", "schema"),
        patience: float = PATIENCE,
    ) -> None:
        self._checks, self._required, self._patience = checks, required, patience
        self._lock = Lock()
        self._looks: dict[str, _Look] = {}

    def run(self) -> dict[str, EngineState]:
        """The state of every engine; one that fails does not hide the others."""
        looks = {name: self._begin(name) for name in self._checks}
        until = time.monotonic() + self._patience
        states = {name: look.state(until - time.monotonic()) for name, look in looks.items()}
        return {
            name: msgspec.structs.replace(state, degraded=True)
            if not state.ok and name not in self._required
            else state
            for name, state in states.items()
        }

    def _begin(self, name: str) -> _Look:
        with self._lock:
            look = self._looks.get(name)
            if look is None or look.is_done:
                look = self._looks[name] = _Look(self._checks[name])
        return look


class _Look:
    """One run of a check, in a thread that may be left behind."""

    def __init__(self, check: Callable[[], str]) -> None:
        self._check = check
        self._state: EngineState | None = None
        self._thread = Thread(target=self._run, name="check", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return self._state is not None

    def state(self, patience: float) -> EngineState:
        self._thread.join(max(0.0, patience))
        return self._state or EngineState(False, "it has not answered in time")

    def _run(self) -> None:
        try:
            self._state = EngineState(True, self._check())
        except Exception as error:  # noqa: BLE001 - whatever an engine fails with is its state
            self._state = EngineState(False, f"{type(error).__name__}: {error}"[:300])


@health.get("/healthz", Permission.PUBLIC)
def alive() -> dict[str, bool]:
    """Whether this process answers at all."""
    return {"ok": True}


@health.get("/readyz", Permission.PUBLIC)
def ready(checks: Checks) -> Answer[dict[str, EngineState]]:
    """Whether requests can be served; 503 when the database cannot be had, or was not migrated.

    Every engine's state is told. What serves without one of the others is marked as degraded.
    """
    states = checks.run()
    status = 200 if all(state.ok or state.degraded for state in states.values()) else 503
    return Answer(states, status, cache="no-store")


@health.get("/metrics", Permission.PUBLIC, json=False)
def metrics(caller: Caller) -> Response:
    """Prometheus metrics, for loopback or a token that may see them."""
    if not (_is_loopback(caller.address) or caller.may(Permission.SEE_METRICS)):
        raise ForbiddenError(Permission.SEE_METRICS)
    return Response(_collect(), content_type=CONTENT_TYPE_LATEST)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback and "X-Forwarded-For" not in request.headers
    except ValueError:
        return False


def _collect() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
        return generate(registry)
    return generate()


def install(app: Flask) -> None:
    """Counts and times every answer by its rule."""

    def count(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "none"
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        method = request.method if request.method in METHODS else "other"
        _latency(method, rule).observe(seconds)
        _answers(rule, response.status_code).inc()
        return response

    app.after_request(count)
