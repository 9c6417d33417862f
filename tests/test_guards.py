"""The index behind its guard, while it is slow: it holds some of the threads, never all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Semaphore
from typing import cast

import pytest

from app.guards import GuardedIndex
from app.serving import web_command
from search.index import Hits, IndexUnavailableError, Query, SearchIndex


class Slow:
    """An index that answers everything, but not before it is let."""

    def __init__(self) -> None:
        self.asked, self.may = Semaphore(0), Event()

    @property
    def generation(self) -> str:
        """Told by the engine too, once a second."""
        self._wait()
        return "g000001"

    def search(self, _query: Query) -> Hits:
        """Nothing, late."""
        self._wait()
        return Hits(total=0)

    def suggest(self, *_: object, **__: object) -> list[object]:
        """Nothing, late."""
        self._wait()
        return []

    def write(self, _batch: object) -> list[object]:
        """Writing is nobody's request."""
        return []

    def _wait(self) -> None:
        self.asked.release()
        assert self.may.wait(20)


@contextmanager
def held(at_once: int = 2) -> Iterator[tuple[GuardedIndex, Slow]]:
    """A guard all of whose places are taken by searches that go on."""
    slow = Slow()
    guard = GuardedIndex(cast(SearchIndex, slow), at_once=at_once, patience=0.05)
    with ThreadPoolExecutor(at_once) as pool:
        searches = [pool.submit(guard.search, Query()) for _ in range(at_once)]
        try:
            assert all(slow.asked.acquire(timeout=20) for _ in searches)
            yield guard, slow
        finally:
            slow.may.set()
        assert [search.result().total for search in searches] == [0] * at_once


@pytest.mark.parametrize(
    "ask", [lambda g: g.search(Query()), lambda g: g.suggest("红"), lambda g: g.generation]
)
def test_who_comes_beyond_its_places_does_not_wait_for_a_slow_index(
    ask: Callable[[GuardedIndex], object],
) -> None:
    with held() as (guard, slow):
        with pytest.raises(IndexUnavailableError, match="too many"):
            ask(guard)
        assert not slow.asked.acquire(blocking=False)
        assert not guard.breaker.is_open
        slow.may.set()
        ask(guard)


def test_what_is_written_does_not_wait_for_readers() -> None:
    with held() as (guard, _):
        assert guard.write([]) == []


def test_the_web_server_tells_how_many_threads_there_are_to_be_held() -> None:
    command = web_command("127.0.0.1", 8000, 2, 5, timedelta(seconds=20))
    assert ("app.factory:create_app(threads=5)" in command, "5" in command) == (True, True)
