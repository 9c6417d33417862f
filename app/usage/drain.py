"""Delivering what lies in the spool."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from app.usage.facts import Fact
from app.usage.spool import SUFFIX

Sink = Callable[[list[Fact]], None]
"""Takes a batch for good, or raises; takes a fact it knows by its id without counting it twice."""

REJECTED = "rejected.lines"
"""Beside the files: whole lines that are no facts, kept for whoever wants to know why."""

ABANDONED = 3600
"""Seconds after which a file without its name belongs to nobody."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did: facts delivered, lines that were none, files done with."""

    delivered: int = 0
    rejected: int = 0
    files: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        return Drained(
            self.delivered + other.delivered,
            self.rejected + other.rejected,
            self.files + other.files,
        )


def drain(folder: Path, sink: Sink, batch: int = 500) -> Drained:
    """Deliver every whole line in the spool, oldest file first, at least once.

    Files of living processes are read up to their last whole line; a file is removed once it is
    closed and everything in it was delivered. While another drain runs this one does nothing.
    Whatever the sink raises ends the drain; what was delivered before is remembered.
    """
    done = Drained()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder) as alone:
        if alone:
            _tidy(folder)
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                done += _drain_file(path, sink, batch)
    return done


def _tidy(folder: Path) -> None:
    """Remove files that never got their name, and are too old to be about to."""
    for path in folder.glob("*.new"):
        if path.stat().st_mtime < time.time() - ABANDONED:
            path.unlink()


def _drain_file(path: Path, sink: Sink, batch: int) -> Drained:
    done = Drained()
    with path.open("rb") as file:
        closed = _is_closed(file)  # asked before reading: what is written later is not missed
        file.seek(_offset(path))
        for lines, end in _batches(file, batch):
            done += _deliver(path, lines, sink)
            _remember(path, end)
        if closed:
            path.unlink()
            _offset_path(path).unlink(missing_ok=True)
            done += Drained(files=1)
    return done


def _batches(file: BinaryIO, batch: int) -> Iterator[tuple[list[bytes], int]]:
    """Iterate whole lines in batches, each with the offset of its end; a torn last one is left."""
    lines: list[bytes] = []
    end = file.tell()
    while (line := file.readline()).endswith(b"\n"):
        lines.append(line)
        end += len(line)
        if len(lines) == batch:
            yield lines, end
            lines = []
    if lines:
        yield lines, end


def _deliver(path: Path, lines: list[bytes], sink: Sink) -> Drained:
    facts: list[Fact] = []
    rejected: list[bytes] = []
    for line in lines:
        try:
            facts.append(msgspec.json.decode(line, type=Fact))
        except (msgspec.DecodeError, UnicodeDecodeError):
            rejected.append(line)
    if facts:
        sink(facts)
    if rejected:
        with path.with_name(REJECTED).open("ab") as kept:
            kept.writelines(rejected)
    return Drained(delivered=len(facts), rejected=len(rejected))


def _is_closed(file: BinaryIO) -> bool:
    """Whether nobody will write to the file again: its writer has let go of the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _offset_path(path: Path) -> Path:
    return path.with_suffix(".offset")


def _offset(path: Path) -> int:
    """Return up to where a file was delivered; whatever cannot be read is delivered again."""
    try:
        return int(_offset_path(path).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _remember(path: Path, offset: int) -> None:
    fresh = path.with_suffix(".offset.new")
    fresh.write_text(str(offset))
    fresh.replace(_offset_path(path))


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Yield whether no other process drains this folder meanwhile."""
    lock = os.open(folder / "drain.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(lock)
