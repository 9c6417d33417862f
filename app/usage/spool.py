"""Facts on their way: appended by every process to a file of its own, delivered by a worker.

A writer holds an exclusive ``flock`` on its file for as long as it may write to it, so a file
whose lock is free is closed for good, however its process ended and whatever its number was.
A fact survives the death of its process, not of the machine: nothing here waits for the disk.
"""

import errno
import fcntl
import os
import time
from pathlib import Path
from threading import Lock

import msgspec
from uuid_utils import uuid7

from app.room import Room
from app.usage.facts import Fact

SUFFIX = ".jsonl"


class Spool:
    """Where this process appends its facts; safe for threads, and across forks.

    A file is closed, and the next one begun, past ``size`` bytes or ``age`` seconds.
    """

    def __init__(self, folder: Path, *, size: int = 4 * 1024 * 1024, age: float = 300.0) -> None:
        self.folder = folder
        self._size = size
        self._age = age
        self._lock = Lock()
        self._encode = msgspec.json.Encoder().encode
        self._file: int | None = None
        self._owner = 0
        self._written = 0
        self._until = 0.0
        self._room = Room(folder)
        folder.mkdir(parents=True, exist_ok=True)
        os.register_at_fork(after_in_child=self._forget_lock)

    def append(self, fact: Fact) -> None:
        """Write one fact, whole, before returning.

        Raises:
            OSError: it could not be written (a disk that is nearly full); the fact is not in the
                spool.
        """
        if not self._room.is_enough():
            raise OSError(errno.ENOSPC, "the disk is nearly full")
        line = self._encode(fact) + b"\n"
        with self._lock:
            file = self._current()
            try:
                written = os.write(file, line)
            except OSError:
                self._close()
                raise
            if written != len(line):
                # A torn line must stay the last of its file.
                self._close()
                raise OSError(f"{written} of {len(line)} bytes written to the spool")
            self._written += written

    def close(self) -> None:
        """Close this process's file; the next fact begins another."""
        with self._lock:
            self._close()

    def _current(self) -> int:
        fresh = self._written < self._size and time.monotonic() < self._until
        if self._file is not None and self._owner == os.getpid() and fresh:
            return self._file
        self._close()
        self._file = _begin(self.folder)
        self._owner = os.getpid()
        self._written = 0
        self._until = time.monotonic() + self._age
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _forget_lock(self) -> None:
        """A thread of the parent may have held the lock at the fork; it is not in the child."""
        self._lock = Lock()


def _begin(folder: Path) -> int:
    """Make a file, lock it, and only then give it the name by which a drain looks for it."""
    name = str(uuid7())
    hidden = folder / f"{name}.new"
    file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    hidden.rename(folder / f"{name}{SUFFIX}")
    return file
