"""Asking servers in turn: requests per second, latencies, processor time per request.

The goes of ours and of its control alternate, so that what else the machine does falls on both;
the middle one of three counts. ``wrk`` sends where it is installed, else threads of Python.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path

import msgspec

from bench.servers import Server

GOES = 3
CONNECTIONS = 16
_WARMING = 0.4
_SCRIPT = Path(__file__).with_name("urls.lua")
_HEADERS = {"Accept-Encoding": "gzip"}


class FaultyAnswersError(Exception):
    """A server answered with errors: its figure would mean nothing."""


class Go(msgspec.Struct, frozen=True):
    """What one go saw; times in microseconds."""

    requests: int
    microseconds: int
    bytes: int
    errors: int
    p50: int
    p99: int
    cpu: float = 0.0
    """Processor seconds of the server's process group."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests * 1e6 / self.microseconds

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds per request."""
        return self.cpu * 1e3 / self.requests

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s, {self.cpu_ms:.2f} ms CPU"


@dataclass(slots=True)
class Target:
    """A server and the addresses that it is asked for, in turn; no go begins where one began."""

    server: Server
    paths: Sequence[str]
    asked: int = 0

    def go(self, seconds: float, connections: int) -> Go:
        """Asks for so long.

        :raises FaultyAnswersError: when an answer was not a success.
        """
        before = self.server.cpu_seconds()
        send = _by_wrk if shutil.which("wrk") else _by_threads
        seen = send(self, seconds, connections)
        self.asked += seen.requests
        if not (seen.requests or seen.errors):  # so busy a machine that none was answered in time
            return self.go(2 * seconds, connections)
        if seen.errors:
            raise FaultyAnswersError(f"{seen.errors} of {seen.requests} answers of {self.paths[0]}")
        return msgspec.structs.replace(seen, cpu=self.server.cpu_seconds() - before)


def alternate(
    *targets: Target,
    seconds: float,
    connections: int = CONNECTIONS,
    goes: int = GOES,
    choose: Callable[[Sequence[Go]], Go] | None = None,
) -> list[Go]:
    """The goes of each target in turn; of each figure the middle one, or what ``choose`` takes."""
    for target in targets:
        target.go(_WARMING, connections)
    seen: list[list[Go]] = [[] for _ in targets]
    for _ in range(goes):
        for own, target in zip(seen, targets, strict=True):
            own.append(target.go(seconds, connections))
    return [(choose or middle)(own) for own in seen]


def middle(goes: Sequence[Go]) -> Go:
    """The rate, the latencies and the processor time that are in the middle, each by itself."""
    rate = statistics.median(go.rate for go in goes)
    requests = sum(go.requests for go in goes)
    return Go(
        requests=requests,
        microseconds=round(requests * 1e6 / rate),
        bytes=sum(go.bytes for go in goes),
        errors=0,
        p50=round(statistics.median(go.p50 for go in goes)),
        p99=round(statistics.median(go.p99 for go in goes)),
        cpu=statistics.median(go.cpu_ms for go in goes) * requests / 1e3,
    )


def fastest(goes: Sequence[Go]) -> Go:
    """The go that was slowed least.

    For comparing what should be alike, where the cores are a neighbour's for seconds at a time.
    """
    return max(goes, key=lambda go: go.rate)


def _by_wrk(target: Target, seconds: float, connections: int) -> Go:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as paths:
        paths.write("\n".join(target.paths))
        paths.flush()
        command = [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{max(round(seconds), 1)}s", "--timeout", "10s"),
            *("--header", "Accept-Encoding: gzip", "--script", str(_SCRIPT)),
            *(target.server.address, "--", paths.name, str(target.asked)),
        ]
        said = subprocess.run(command, check=True, capture_output=True).stdout
    return msgspec.json.decode(said.splitlines()[-1], type=Go)


def _by_threads(target: Target, seconds: float, connections: int) -> Go:
    share = len(target.paths) // connections
    started = time.perf_counter()

    def ask(number: int) -> list[tuple[int, float, int]]:
        connection = HTTPConnection(target.server.host, target.server.port, timeout=10)
        begin = target.asked + number * share
        answers = list[tuple[int, float, int]]()
        while time.perf_counter() - started < seconds:
            path = target.paths[(begin + len(answers)) % len(target.paths)]
            sent = time.perf_counter()
            connection.request("GET", path, headers=_HEADERS)
            answer = connection.getresponse()
            size = len(answer.read())
            answers.append((answer.status, time.perf_counter() - sent, size))
        connection.close()
        return answers

    with ThreadPoolExecutor(connections) as pool:
        seen = [answer for answers in pool.map(ask, range(connections)) for answer in answers]
    times = sorted(taken for _, taken, _ in seen)
    return Go(
        requests=len(seen),
        microseconds=round((time.perf_counter() - started) * 1e6),
        bytes=sum(size for _, _, size in seen),
        errors=sum(status >= 400 for status, _, _ in seen),
        p50=round(times[len(times) // 2] * 1e6),
        p99=round(times[len(times) * 99 // 100] * 1e6),
    )


def in_turn(server: Server, paths: Sequence[str], count: int) -> list[float]:
    """Milliseconds of single requests, one after the other, as one reader would wait for them."""
    taken = []
    with closing(HTTPConnection(server.host, server.port, timeout=30)) as connection:
        for path in islice(paths, count):
            sent = time.perf_counter()
            connection.request("GET", path, headers=_HEADERS)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 400:
                raise FaultyAnswersError(f"{answer.status} for {path}")
            taken.append((time.perf_counter() - sent) * 1e3)
    return taken
