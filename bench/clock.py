"""A clock that is stopped and started."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

from bench.processes import Spent

T = TypeVar("T")


class Clock:
    """Adds up what the blocks under it take."""

    def __init__(self) -> None:
        self._seconds = self._cpu = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        seconds, cpu = self._began
        self._seconds += time.perf_counter() - seconds
        self._cpu += time.process_time() - cpu

    def each(self, items: Iterator[T]) -> Iterator[T]:
        """The same items; what making them takes is added."""
        while True:
            with self:
                item = next(items, None)
            if item is None:
                return
            yield item

    def spent(self) -> Spent:
        """What was taken so far."""
        return Spent(self._seconds, self._cpu, 0, 0, b"")
