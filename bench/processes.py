"""Programs that are measured: what they cost, by themselves and with all that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Spent:
    """What a program took. Times in seconds; processor time and peak include its children."""

    seconds: float
    cpu: float
    peak_mib: float
    """The largest process of the tree."""
    own_peak_mib: float
    """The program itself, without what it started."""
    output: bytes


class FailedError(Exception):
    """A program that is measured ended badly; the message is the end of what it said."""


def run(
    command: Sequence[str | Path], environ: Mapping[str, str], *, fine: Sequence[int] = (0,)
) -> Spent:
    """Runs a program to its end.

    :raises FailedError: for an exit code that is not ``fine``.
    """
    words = [str(part) for part in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        watcher = _Watcher(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        own = watcher.stop()
        if process.returncode not in fine:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-500:]
            raise FailedError(f"{' '.join(words)}: {process.returncode}: {said}")
        output.seek(0)
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        return Spent(seconds, cpu, peak, own, output.read())


def killed(command: Sequence[str | Path], environ: Mapping[str, str], after: float) -> Spent:
    """Runs a program, and kills it and what it started after so many seconds (``SIGKILL``).

    :raises FailedError: when it ended by itself before.
    """
    words = [str(part) for part in command]
    started = time.perf_counter()
    process = subprocess.Popen(
        words, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    watcher = _Watcher(process.pid)
    with suppress(subprocess.TimeoutExpired):
        process.wait(after)
    cpu = cpu_seconds(process.pid)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    code, own = process.wait(), watcher.stop()
    if code != -signal.SIGKILL:
        raise FailedError(f"{' '.join(words)}: {code} before it was killed")
    return Spent(time.perf_counter() - started, cpu, own, own, b"")


class _Watcher(threading.Thread):
    """Looks at a process's own high-water mark, which its parent's accounting does not keep."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._mib, self._ended = pid, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            self._mib = max(self._mib, _status_mib(self._pid, "VmHWM"))

    def stop(self) -> float:
        """MiB at most."""
        self._ended.set()
        self.join()
        return self._mib


def _status_mib(pid: int, name: str) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def pss_mib(pid: int) -> float:
    """Proportional set size: shared pages are divided among those that share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def members(leader: int) -> list[int]:
    """The processes of a process group, or of a session, by its leader."""
    return [pid for pid, fields in _stats() if str(leader) in fields[2:4]]


def cpu_seconds(leader: int) -> float:
    """Processor seconds that the living processes of a group or session have used so far."""
    used = [fields for _, fields in _stats() if str(leader) in fields[2:4]]
    return sum(int(fields[11]) + int(fields[12]) for fields in used) / _TICKS


def _stats() -> list[tuple[int, list[str]]]:
    """The fields of ``/proc/*/stat`` after the name (proc(5)): state, parent, group, session …"""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                said = (folder / "stat").read_text()
                found.append((int(folder.name), said.rpartition(")")[2].split()))
    return found
