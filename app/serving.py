"""Serving as one thing: the web server and a worker beside it, started, watched and stopped.

Each runs in a process group of its own, so that a Ctrl-C meant for the whole reaches only the
supervisor, which then stops them in order: first the requests end, then the work they set off.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event
from types import FrameType

import structlog

from app.config import SettingError

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=30)
LOOK_EVERY = 0.2
"""Seconds between two looks at ``/readyz`` while the web server starts."""
LONGEST_REST = 30.0
"""Seconds at most before a worker that keeps dying is started again."""
STEADY = 60.0
"""Seconds after which a worker's death counts as its first again."""
ANY_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (asked, not bound)

MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of our own in it, made anew with mode 0700)
PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a child is sent when its parent dies."""


def serve(
    host: str,
    port: int,
    data_dir: Path,
    *,
    announce: Callable[[], None],
    workers: int = 2,
    threads: int = 8,
    web: Sequence[str] | None = None,
    worker: Sequence[str] | None = None,
    grace: timedelta = GRACE,
) -> int:
    """Serves until SIGTERM or SIGINT; a second one ends everything at once.

    ``announce`` is called once the web server answers. A worker that dies is started again; when
    the web server dies everything is stopped. Returns the exit code: 0 when all ended by
    themselves, 1 otherwise. Belongs in the main thread, since it takes the signals.

    :raises SettingError: when another program listens on the port; it would seem to be ours.
    """
    if answers(host, port):
        raise SettingError("PORT", str(port), "another program listens there; choose another port")
    environ = {
        # Many threads would each get an arena of memory that is never given back.
        "MALLOC_ARENA_MAX": "2",
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(fresh_metrics_dir(data_dir)),
    }
    supervisor = Supervisor(
        web=Part("web", web or web_command(host, port, workers, threads, grace), environ),
        worker=Part("worker", worker or worker_command(), environ),
        answers=lambda: answers(host, port),
        announce=announce,
        grace=grace,
    )
    return supervisor.run()


def web_command(
    host: str, port: int, workers: int, threads: int, grace: timedelta = GRACE
) -> list[str]:
    """gunicorn with threads; the application writes its own access log."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *(sys.executable, "-m", "gunicorn", f"app.factory:create_app(threads={threads})"),
        *("--bind", address, "--worker-class", "gthread", "--no-control-socket"),
        *("--workers", str(workers), "--threads", str(threads), "--preload"),
        *("--graceful-timeout", str(max(1, int(grace.total_seconds()) - 2))),
        *("--log-level", "warning", "--limit-request-line", "8190"),
    ]


def worker_command() -> list[str]:
    """The command ``kaijuan worker``."""
    return [sys.executable, "-m", "app.cli", "worker"]


def fresh_metrics_dir(data_dir: Path) -> Path:
    """Where processes share their metrics: emptied, since the last run's would be counted again.

    In memory where the system has a place for it: a mapped file on a full disk kills its process.
    """
    name = blake2b(bytes(data_dir), digest_size=8).hexdigest()
    base = MEMORY if os.access(MEMORY, os.W_OK) else data_dir / "run"
    folder = base / f"kaijuan-metrics-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def answers(host: str, port: int) -> bool:
    """Whether something answers ``/readyz``, be it that an engine is away."""
    connection = HTTPConnection(ANY_HOST.get(host, host), port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        connection.getresponse().read()
    except HTTPException:
        return True
    except OSError:
        return False
    finally:
        connection.close()
    return True


@dataclass(slots=True)
class Part:
    """A child process, by the command that starts it."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """Starts the process in a group of its own; it is told when this one dies."""
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_follow(os.getpid()),
        )
        self.started = time.monotonic()
        log.info("started", part=self.name, pid=self.process.pid)

    def code(self) -> int | None:
        """Its exit code, ``None`` while it runs."""
        return self.process.poll() if self.process else None

    def tell(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """Kills what is left of it and of what it started."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Watches the two parts. Wakes for signals, dead children, and what is due; never spins."""

    web: Part
    worker: Part
    answers: Callable[[], bool]
    announce: Callable[[], None]
    grace: timedelta
    _woken: Event = field(default_factory=Event)
    _signals: int = 0
    _announced: bool = False
    _restart_at: float | None = None

    def run(self) -> int:
        """Runs both until a signal or the death of the web server; returns the exit code."""
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        }
        try:
            self.web.start()
            self.worker.start()
            while not self._signals and self.web.code() is None:
                self._look()
            if not self._signals:
                log.error("the web server ended", code=self.web.code())
            return self._stop()
        finally:
            for part in (self.web, self.worker):
                part.kill_group()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._signals += 1
        self._woken.set()

    def _look(self) -> None:
        if not self._announced and self.answers():
            self._announced = True
            self.announce()
        self._mind_worker(time.monotonic())
        self._wait(None if self._announced else LOOK_EVERY)

    def _mind_worker(self, moment: float) -> None:
        if self.worker.code() is None:
            return
        if self._restart_at is None:
            is_steady = moment - self.worker.started > STEADY
            self.worker.deaths = 1 if is_steady else self.worker.deaths + 1
            rest = min(2.0 ** (self.worker.deaths - 1), LONGEST_REST)
            self._restart_at = moment + rest
            log.error("the worker died", code=self.worker.code(), starts_again_in=rest)
        if moment >= self._restart_at:
            self._restart_at = None
            self.worker.kill_group()
            self.worker.start()

    def _wait(self, seconds: float | None) -> None:
        if self._restart_at is not None:
            left = max(0.0, self._restart_at - time.monotonic())
            seconds = left if seconds is None else min(left, seconds)
        self._woken.wait(seconds)
        self._woken.clear()

    def _stop(self) -> int:
        """The web server first, so that what its last requests set off still finds a worker."""
        patient = self._signals
        were_clean = [self._end(part, patient) for part in (self.web, self.worker)]
        return 0 if self._signals and all(were_clean) else 1

    def _end(self, part: Part, patient: int) -> bool:
        """Asks the part to end; whether it did in time, and before one signal more."""
        deadline = time.monotonic() + self.grace.total_seconds()
        part.tell(signal.SIGTERM)
        while part.code() is None and self._signals == patient and time.monotonic() < deadline:
            self._woken.wait(deadline - time.monotonic())
            self._woken.clear()
        has_ended = part.code() is not None
        if not has_ended:
            log.error("killed, since it did not end in time", part=part.name)
        part.kill_group()
        return has_ended


def _follow(parent: int) -> Callable[[], None] | None:
    """Has a child get SIGTERM when its parent dies, be it by SIGKILL. Linux knows how."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def follow() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return follow
