"""Making the next while the last is used: the stages of a pipeline, threads for each."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import GeneratorType
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def made_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items, the next one made in a thread while the last is used.

    What making raises is raised where the item would have been. Close it when leaving it early:
    it then waits for the one that is being made, and closes ``items`` too. Interrupted while it
    waits, it leaves both.
    """
    rest = iter(items)
    try:
        with ThreadPoolExecutor(1, "ahead") as thread:
            making = thread.submit(next, rest, None)
            while (item := making.result()) is not None:
                making = thread.submit(next, rest, None)
                yield item
    finally:
        if isinstance(rest, GeneratorType) and not rest.gi_running:
            rest.close()


def done_in_order(
    do: Callable[[T], R], items: Iterable[T], *, at_once: int
) -> Generator[R, None, None]:
    """What ``do`` makes of each item, in their order, so many of them under way at a time.

    What it raises is raised where its result would have been. Close it when leaving it early: it
    then waits for those under way, and closes ``items`` too.
    """
    under_way: deque[Future[R]] = deque()
    try:
        with ThreadPoolExecutor(at_once, "stage") as threads:
            for item in items:
                under_way.append(threads.submit(do, item))
                if len(under_way) == at_once:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
    finally:
        if isinstance(items, Generator):
            items.close()
