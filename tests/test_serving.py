"""The supervisor, with small programs in the places of the web server and the worker."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE

import pytest

from app.config import SettingError
from app.serving import fresh_metrics_dir, serve, web_command

ENDING = """
import os, signal, sys, threading
def end(*_):
    os.write(1, f"{NAME} ended\\n".encode())
    os._exit(0)
signal.signal(signal.SIGTERM, end)
os.write(1, f"{NAME} {os.getpid()}\\n".encode())
"""

WEB = """
NAME = "web"
import http.server
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers)
server.serve_forever()
"""

WORKER = 'NAME = "worker"\nsignal.pause()'
DEAF = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"deaf\\n")
while True:
    signal.pause()
"""

SUPERVISOR = """
import os, sys
from datetime import timedelta
from pathlib import Path
import structlog
from app.serving import serve
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
port, folder, web, worker, grace = sys.argv[1:]
sys.exit(serve(
    "127.0.0.1", int(port), Path(folder), announce=lambda: os.write(1, b"announced\\n"),
    web=[sys.executable, "-c", web, port], worker=[sys.executable, "-c", worker],
    grace=timedelta(seconds=float(grace)),
))
"""


def ending(script: str) -> str:
    return script.replace("\n", f"\n{ENDING}", 1)


@contextmanager
def supervised(
    folder: Path, worker: str | None = None, grace: float = 30
) -> Iterator[subprocess.Popen[str]]:
    """The supervisor as a process; what it and its children print comes out of one pipe."""
    scripts = [ending(WEB.lstrip()), worker or ending(WORKER)]
    arguments = [str(free_port()), str(folder), *scripts, str(grace)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, *arguments],
        stdout=PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
        cwd=Path(__file__).parent.parent,
    )
    with child:
        try:
            yield child
        finally:
            while child.poll() is None:
                child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(3)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def lines(child: subprocess.Popen[str], count: int) -> list[str]:
    assert child.stdout is not None
    return [child.stdout.readline().strip() for _ in range(count)]


def pids(said: list[str]) -> dict[str, int]:
    return {line.split()[0]: int(line.split()[1]) for line in said if line.split()[1:]}


def test_it_says_where_to_look_and_stops_the_web_server_before_the_worker(tmp_path: Path) -> None:
    with supervised(tmp_path) as child:
        begun = lines(child, 3)
        assert {line.split()[0] for line in begun} == {"web", "worker", "announced"}
        child.send_signal(signal.SIGTERM)
        assert lines(child, 2) == ["web ended", "worker ended"]
        assert child.wait(30) == 0


def test_a_worker_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path) as child:
        first = pids(lines(child, 3))["worker"]
        os.kill(first, signal.SIGKILL)
        assert pids(lines(child, 1))["worker"] != first
        child.send_signal(signal.SIGINT)
        assert lines(child, 2) == ["web ended", "worker ended"]


def test_when_the_web_server_dies_the_worker_is_stopped_and_the_exit_says_so(
    tmp_path: Path,
) -> None:
    with supervised(tmp_path) as child:
        os.kill(pids(lines(child, 3))["web"], signal.SIGKILL)
        assert lines(child, 1) == ["worker ended"]
        assert child.wait(30) == 1


def test_what_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, worker=DEAF, grace=0.2) as child:
        assert "deaf" in lines(child, 3)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 1


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with supervised(tmp_path, worker=DEAF, grace=1000) as child:
        assert "deaf" in lines(child, 3)
        child.send_signal(signal.SIGTERM)
        assert lines(child, 1) == ["web ended"]
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of it")
def test_the_children_of_a_killed_supervisor_end_too(tmp_path: Path) -> None:
    with supervised(tmp_path) as child:
        lines(child, 3)
        child.kill()
        assert set(lines(child, 2)) == {"web ended", "worker ended"}


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with supervised(tmp_path) as child:
        assert "announced" in lines(child, 3)
        port = int(child.args[3])
        with pytest.raises(SettingError, match="PORT"):
            serve("127.0.0.1", port, tmp_path, announce=lambda: None)


def test_the_metrics_of_the_last_run_are_not_counted_again(tmp_path: Path) -> None:
    (fresh_metrics_dir(tmp_path) / "counter_1.db").touch()
    assert list(fresh_metrics_dir(tmp_path).iterdir()) == []


def test_an_address_of_the_sixth_version_is_bracketed() -> None:
    assert "[::1]:8000" in web_command("::1", 8000, 1, 1)
