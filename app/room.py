"""Room on the disk: changes are refused before it is full, so that reading goes on.

SQLite, the log of a database and memory-mapped files all fail badly on a full disk; what was
answered with success must be on it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.errors import NoRoomError

LEAST = 64 * 1024 * 1024
"""Bytes that must stay free: room for a checkpoint, the metrics and the logs of a while."""
LOOK_EVERY = 1.0


class Room:
    """Whether a folder's disk has room for changes; asks the system once a second at most."""

    def __init__(self, folder: Path, least: int = LEAST) -> None:
        self._folder, self._least = folder, least
        self._looked, self._free = 0.0, 0

    def free(self) -> int:
        """Bytes that this process may still write there."""
        now = time.monotonic()
        if now - self._looked > LOOK_EVERY:
            found = os.statvfs(self._folder)
            self._free, self._looked = found.f_bavail * found.f_frsize, now
        return self._free

    def is_enough(self) -> bool:
        """Whether there is room for changes."""
        return self.free() >= self._least

    def require(self) -> None:
        """Returns where there is room.

        :raises NoRoomError: when less than the least is free.
        """
        if not self.is_enough():
            raise NoRoomError(str(self._folder), self._free, self._least)
