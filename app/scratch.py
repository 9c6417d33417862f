"""Temporary folders that are swept also when the process that made one was killed.

A folder is locked by whoever uses it. The system lets go of the lock when that process ends in
whatever way, so that a folder without a lock belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.room import Room


class Scratch:
    """Temporary folders below ``home``, which need not be there yet."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._room = Room(home)

    def require_room(self) -> None:
        """Returns where more may be written; for whoever writes much, between the pieces.

        :raises NoRoomError: when the disk is nearly full.
        """
        self._room.require()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder of the caller's own, gone afterwards with all that is in it.

        :raises NoRoomError: when the disk is nearly full.
        """
        with _locked(self._home):  # a sweep must not come between making it and locking it
            self.require_room()
            made = Path(tempfile.mkdtemp(dir=self._home))
            held = os.open(made, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)
            os.close(held)

    def sweep(self) -> int:
        """Removes what processes that are gone have left; returns how many folders."""
        with _locked(self._home):
            left = [path for path in self._home.iterdir() if path.is_dir() and _is_left(path)]
            for path in left:
                shutil.rmtree(path, ignore_errors=True)
        return len(left)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    held = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _is_left(path: Path) -> bool:
    try:
        held = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True
