"""How long a person waits for the command line, and for a library to be served."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from bench import processes
from bench.library import KAIJUAN, Bench, Library
from bench.processes import Spent
from bench.rows import Goal, Row
from bench.servers import Server, free_port, stop, wait_until_ready

_GOES = 7
_IMPORTS = (sys.executable, "-c", "import flask, sqlalchemy")


def rows(bench: Bench) -> Iterator[Row]:
    """The command line beside bare imports; serving until it is ready."""
    yield _help(bench)
    yield _serving("kaijuan serve until ready, first start", bench.fresh("started"))
    yield _serving("kaijuan serve until ready, with all records", bench.full())


def _help(bench: Bench) -> Row:
    environ = bench.fresh("started").environ
    mine, theirs = list[Spent](), list[Spent]()
    for _ in range(_GOES):
        mine.append(processes.run((*KAIJUAN, "--help"), environ))
        theirs.append(processes.run(_IMPORTS, environ))
    ours, bare = (statistics.median(go.seconds for go in goes) for goes in (mine, theirs))
    cpu, bare_cpu = (statistics.median(go.cpu for go in goes) for goes in (mine, theirs))
    return Row(
        measure="kaijuan --help beside `import flask, sqlalchemy`",
        ours=f"{ours:.2f} s, {cpu:.2f} s CPU",
        control=f"{bare:.2f} s, {bare_cpu:.2f} s CPU",
        value=ours / bare,
        cpu=cpu / bare_cpu,
        goal=Goal(most=3),
    )


def _serving(measure: str, library: Library) -> Row:
    port, log = free_port(), library.folder / "serve.log"
    command = (*KAIJUAN, "serve", "--port", str(port))
    started = time.perf_counter()
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            env=library.environ,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        wait_until_ready(Server(process.pid, port), "/readyz", process, log)
        seconds, cpu = time.perf_counter() - started, processes.cpu_seconds(process.pid)
    finally:
        stop(process)
    return Row(
        measure=measure,
        ours=f"{seconds:.2f} s, {cpu:.2f} s CPU",
        value=seconds,
        goal=Goal(most=5, unit=" s"),
    )
