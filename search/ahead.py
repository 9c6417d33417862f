"""Making the next while the last is used: the stages of a pipeline, a thread for each."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def made_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items, the next one made in a thread while the last is used.

    What making raises is raised where the item would have been. Close it when leaving it early:
    it then waits for the one that is being made, and closes ``items`` too.
    """
    rest = iter(items)
    try:
        with ThreadPoolExecutor(1, "ahead") as thread:
            making = thread.submit(next, rest, None)
            while (item := making.result()) is not None:
                making = thread.submit(next, rest, None)
                yield item
    finally:
        if isinstance(rest, Generator):
            rest.close()
