"""A library whose web server, worker and commands are processes of their own on four engines.

Each engine is reached through a line that can be at fault. The judge reaches them directly.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog.services import dirty
from app.operating.doctor import examine
from app.storage.s3_client import S3Options, open_client
from faults.engines import ELASTICSEARCH, NAMES, POSTGRESQL, REDIS, S3, Engines
from faults.proxy import SOUND, Fault, Proxy

PATIENCE = 90.0
"""Seconds after which what should have come is said not to come."""
LINES = {
    POSTGRESQL: "KAIJUAN_DATABASE_URL",
    ELASTICSEARCH: "KAIJUAN_SEARCH_URL",
    REDIS: "KAIJUAN_QUEUE_URL",
    S3: "S3_ENDPOINT_URL",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request: status 0 when the line broke before the answer was whole."""

    status: int
    body: bytes = b""
    location: str = ""

    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)


def until(holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Waits for something that must come true."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.2)


class Installation:
    """One library: its settings, its processes, and what happens to its lines."""

    def __init__(self, folder: Path, engines: Engines, tablespace: Path) -> None:
        self.folder, self.engines = folder, engines
        name = f"faults_{uuid4().hex[:8]}"
        given = engines.environ()
        self.direct = {
            **{name: value for name, value in given.items() if name.startswith("AWS_")},
            "S3_ENDPOINT_URL": given["S3_ENDPOINT_URL"],
            "KAIJUAN_DATA_DIR": str(folder / "data"),
            "KAIJUAN_DATABASE_URL": _made_database(given["KAIJUAN_DATABASE_URL"], name, tablespace),
            "KAIJUAN_STORAGE_URL": _made_bucket(given, name.replace("_", "-")),
            "KAIJUAN_SEARCH_URL": f"{given['KAIJUAN_SEARCH_URL']}/{name}",
            "KAIJUAN_QUEUE_URL": given["KAIJUAN_QUEUE_URL"],
            "KAIJUAN_CACHE_URL": given["KAIJUAN_CACHE_URL"],
            "KAIJUAN_LOG_LEVEL": "warning",
        }
        self.lines = {n: Proxy(urlsplit(self.direct[v]).port or 0) for n, v in LINES.items()}
        self.environ = {**self.direct, **self._through_the_lines()}
        self.port = _free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.run("migrate", directly=True)
        self.settings = config.load(self.direct, folder / "no.env")
        self.adapters: Adapters = open_adapters(self.settings)
        self.token = self.run("token", "add", "faults", "--role", "cataloguer")["token"]

    def _through_the_lines(self) -> dict[str, str]:
        lines = {**LINES, "cache": "KAIJUAN_CACHE_URL"}
        moved = {}
        for name, variable in lines.items():
            port = urlsplit(self.direct[variable]).port
            line = self.lines[REDIS if name == "cache" else name]
            moved[variable] = self.direct[variable].replace(f":{port}", f":{line.port}")
        return moved

    # What runs

    def serve(self) -> None:
        """Starts the web server with a worker beside it, and waits until it answers."""
        self.begin("serve", "--port", str(self.port), "--workers", "1", "--threads", "8")
        until(lambda: self.ask("GET", "/healthz").status == 200, "the web server")

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a command of the library, and does not wait for its end."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", *arguments],
                env={**_inherited(), **self.environ},
                stdout=subprocess.PIPE if "--json" in arguments else log,
                stderr=log,
                process_group=0,
            )
        self._processes.append(process)
        return process

    def run(self, *arguments: str, directly: bool = False) -> Any:
        """The result of a command that must end well."""
        environ = self.direct if directly else self.environ
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments, "--json"],
            env={**_inherited(), **environ},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout!r} {done.stderr.decode()}"
        return json.loads(done.stdout)

    def kill_worker(self) -> None:
        """SIGKILL for the worker beside the web server; its supervisor starts another."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_ours = f"KAIJUAN_DATA_DIR={self.folder}/data".encode() in (
                    process / "environ"
                ).read_bytes().split(b"\0")
                if is_ours and b"\0worker\0" in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    def close(self) -> None:
        """Ends every process, and lets go of the engines."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(40)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self.adapters.index.close()
        self.adapters.database.close()
        for line in self.lines.values():
            line.close()

    # What is asked of it

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request on a connection of its own; a broken line is an answer too."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answered(answer.status, answer.read(), answer.headers.get("Location", ""))
        except (HTTPException, OSError):
            return Answered(0)
        finally:
            connection.close()

    def send(self, file: Path) -> str:
        """Sends a file of records as often as it takes; the job that was accepted for it."""
        accepted: list[str] = []

        def is_accepted() -> bool:
            accepted.extend(filter(None, [self.ask_to_import(file)]))
            return bool(accepted)

        until(is_accepted, f"accepting {file.name}")
        return accepted[0]

    def ask_to_import(self, file: Path) -> str | None:
        """Sends a file of records once; the job, or nothing when it was refused for now."""
        path = f"/api/v1/imports?name={file.name}&format=jsonl"
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": f"send-{file.name}",
        }
        sent = self.ask("POST", path, file.read_bytes(), headers)
        if sent.status == 202:
            return str(sent.json()["job"])
        assert sent.status in (0, 429) or sent.status >= 500, sent
        return None

    # What is wrong with it

    def fault(self, name: str, fault: Fault) -> None:
        """Has the line to an engine be so from now on."""
        self.lines[name].fault = fault

    def mend(self) -> None:
        """Every line is sound and every engine runs again."""
        for line in self.lines.values():
            line.fault = SOUND
        self.engines.start()

    # Whether it is whole

    def settle(self) -> None:
        """Waits until nothing is left to do."""
        until(self._is_ready, "readiness")
        until(self.is_idle, "the end of what was begun")

    def _is_ready(self) -> bool:
        return self.ask("GET", "/readyz").status == 200

    def is_idle(self) -> bool:
        """Whether the index has heard of every change."""
        with self.adapters.database.transaction(writes=False) as session:
            return dirty.waiting(session)[0] == 0

    def judge(self) -> None:
        """Nothing waits, the index agrees with the database, and the doctor finds nothing."""
        self.settle()
        wrong = [d for d in examine(self.settings, self.adapters) if not d.ok]
        assert not wrong, wrong


def _made_database(url: str, name: str, tablespace: Path) -> str:
    """A database on a disk of its own, which can be filled."""
    base = url.rpartition("/")[0]
    with psycopg.connect(f"{base}/postgres".replace("+psycopg", ""), autocommit=True) as session:
        session.execute(f"CREATE TABLESPACE {name} LOCATION '{tablespace}'".encode())
        session.execute(f"CREATE DATABASE {name} TABLESPACE {name}".encode())
    return f"{base}/{name}"


def _made_bucket(given: Mapping[str, str], name: str) -> str:
    options = S3Options(
        endpoint_url=given["S3_ENDPOINT_URL"],
        region=given["AWS_DEFAULT_REGION"],
        access_key_id=given["AWS_ACCESS_KEY_ID"],
        secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )
    open_client(options).create_bucket(Bucket=name)
    return f"s3://{name}"


def _inherited() -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    return {n: v for n, v in os.environ.items() if not n.startswith(("KAIJUAN_", "AWS_", "S3_"))}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


__all__ = ["NAMES", "Answered", "Installation", "until"]
