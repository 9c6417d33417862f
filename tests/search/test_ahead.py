"""The stages of a pipeline: in order, so many at a time, nothing left running."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Lock, main_thread

import pytest

from search.ahead import done_in_order, made_ahead


def test_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    def slow_if_even(number: int) -> int:
        time.sleep(0.02 * (number % 2 == 0))
        return number

    assert list(done_in_order(slow_if_even, range(9), at_once=3)) == list(range(9))


def test_two_are_under_way_and_never_more() -> None:
    lock, both = Lock(), Event()
    now, most = 0, 0

    def do(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == 2:
                both.set()
        assert both.wait(10)
        with lock:
            now -= 1

    list(done_in_order(do, range(6), at_once=2))
    assert most == 2


def test_what_fails_is_raised_in_its_place_and_the_source_is_closed() -> None:
    closed = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    results = made_ahead(done_in_order(lambda n: 1 // (3 - n), numbers(), at_once=2))
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert closed == [True]


@pytest.fixture
def interrupted() -> Iterator[Callable[[], None]]:
    """Interrupts the main thread, as Ctrl-C does; a run in the background ignores that."""
    here, before = main_thread().ident, signal.signal(signal.SIGINT, signal.default_int_handler)
    assert here is not None
    yield lambda: signal.pthread_kill(here, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("stages", [1, 2])
def test_who_interrupts_twice_is_heard_though_one_is_still_being_made(
    interrupted: Callable[[], None], stages: int
) -> None:
    waiting = Event()

    def numbers() -> Iterator[int]:
        yield 1
        for _ in range(2):
            interrupted()
            time.sleep(0.2)
        waiting.wait(10)
        yield 2

    def passed_on() -> Iterator[int]:
        with closing(made_ahead(numbers())) as items:
            yield from items

    items = made_ahead(numbers() if stages == 1 else passed_on())
    with pytest.raises(KeyboardInterrupt):
        list(items)
    waiting.set()
