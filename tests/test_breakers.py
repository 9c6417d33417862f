"""An engine that fails again and again is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.breakers import OPEN, Breaker, RestingError


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def is_away(error: Exception) -> bool:
    return isinstance(error, ConnectionError)


class Engine:
    """Fails while it is away; counts how often it was asked."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.breaker = Breaker("tests", failures=3, window=30, rest=5, clock=self.clock)
        self.error: Exception | None = None
        self.asked = 0

    def ask(self) -> None:
        with self.breaker.call(is_away):
            self.asked += 1
            if self.error is not None:
                raise self.error

    def fails(self, times: int) -> None:
        self.error = ConnectionError()
        for _ in range(times):
            with pytest.raises(ConnectionError):
                self.ask()


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_a_few_failures_in_a_row_end_the_asking(engine: Engine) -> None:
    engine.fails(3)
    for _ in range(5):
        with pytest.raises(RestingError):
            engine.ask()
    assert (engine.asked, engine.breaker.is_open) == (3, True)


def test_the_metric_is_what_was_found_out_last_and_outlives_nobody(engine: Engine) -> None:
    gauge = OPEN.labels("tests")
    engine.fails(3)
    Engine()
    assert gauge._value.get() == 0
    engine.clock.now += 5
    engine.fails(1)
    assert gauge._value.get() == 1


def test_an_answer_between_failures_begins_the_count_anew(engine: Engine) -> None:
    engine.fails(2)
    engine.error = None
    engine.ask()
    engine.fails(2)
    assert not engine.breaker.is_open


def test_failures_far_apart_are_no_outage(engine: Engine) -> None:
    for _ in range(10):
        engine.fails(1)
        engine.clock.now += 20
    assert not engine.breaker.is_open


def test_what_an_engine_refuses_is_an_answer(engine: Engine) -> None:
    engine.error = LookupError()
    for _ in range(10):
        with pytest.raises(LookupError):
            engine.ask()
    assert not engine.breaker.is_open


def test_after_a_rest_one_caller_tries_and_the_others_go_on_resting(engine: Engine) -> None:
    engine.fails(3)
    engine.clock.now += 5
    engine.fails(1)
    with pytest.raises(RestingError):
        engine.ask()
    assert engine.asked == 4


def test_a_trial_that_hangs_leaves_room_for_another_after_a_rest(engine: Engine) -> None:
    engine.fails(3)
    engine.clock.now += 5
    with engine.breaker.call(is_away):
        with pytest.raises(RestingError):
            engine.ask()
        engine.clock.now += 5
        engine.fails(1)


def test_what_is_known_from_memory_between_failures_proves_nothing(engine: Engine) -> None:
    for _ in range(3):
        with engine.breaker.call(is_away, proves=False):
            pass
        engine.fails(1)
    assert engine.breaker.is_open


def test_what_is_known_from_memory_leaves_the_trial_to_the_next(engine: Engine) -> None:
    engine.fails(3)
    engine.clock.now += 5
    engine.error = None
    with engine.breaker.call(is_away, proves=False):
        pass
    assert engine.breaker.is_open
    engine.ask()
    assert not engine.breaker.is_open


@pytest.mark.parametrize("error", [None, LookupError()])
def test_an_answer_to_the_trial_ends_the_outage(engine: Engine, error: Exception | None) -> None:
    engine.fails(3)
    engine.clock.now += 5
    engine.error = error
    ask: Callable[[], None] = engine.ask
    if error is None:
        ask()
    else:
        with pytest.raises(LookupError):
            ask()
    assert not engine.breaker.is_open
