"""Servers on loopback: ours as in production, and the bare ones that it is compared with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench import processes

WORKERS, THREADS = 2, 8
"""As ``kaijuan serve`` starts gunicorn."""
PROJECT = Path(__file__).parent.parent
_PATIENCE = 120.0


class NotServingError(Exception):
    """A server did not answer in time; the message is the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A gunicorn that runs; ``pid`` is its master and the id of its process group."""

    pid: int
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor seconds of all its processes so far."""
        return processes.cpu_seconds(self.pid)

    def workers_pss(self) -> list[float]:
        """The proportional memory of each web worker, in MiB."""
        return [processes.pss_mib(pid) for pid in processes.members(self.pid) if pid != self.pid]

    def get(self, path: str) -> bytes:
        """The body of one answer.

        :raises HTTPException: for one that is no success.
        """
        with closing(HTTPConnection(self.host, self.port, timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        if answer.status >= 400:
            raise HTTPException(f"{answer.status} for {path}: {body[:300]!r}")
        return body


@contextmanager
def serving(
    application: str, environ: Mapping[str, str], ready: str, log: Path
) -> Iterator[Server]:
    """Runs ``gunicorn application`` until the block ends; ``ready`` answers once it is up."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)),
        *("--no-control-socket", "--log-level", "warning"),
    ]
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=dict(environ), cwd=PROJECT, stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, process_group=0,
        )  # fmt: skip
    server = Server(process.pid, port)
    try:
        wait_until_ready(server, ready, process, log)
        yield server
    finally:
        stop(process)


def wait_until_ready(
    server: Server, path: str, process: subprocess.Popen[bytes], log: Path
) -> None:
    """Returns at the first success of ``path``.

    :raises NotServingError: when the server died or takes too long.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, HTTPException):
            server.get(path)
            return
        time.sleep(0.02)
    raise NotServingError(log.read_text(errors="replace")[-500:])


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and everything in its group."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
