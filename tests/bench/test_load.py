"""Asking a server that really runs, and what is made of the goes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load import FaultyAnswersError, Go, Target, in_turn, middle
from bench.servers import Server, serving


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log: Path = tmp_path_factory.mktemp("bare") / "log"
    with serving("bench.bare:create_app()", {}, "/bytes/1", log) as server:
        yield server


def test_a_go_counts_what_it_asked_and_what_it_cost(bare: Server) -> None:
    target = Target(bare, ["/bytes/10", "/bytes/20"])
    go = target.go(1, 2)
    assert go.requests == target.asked > 0
    assert go.errors == 0
    assert go.cpu > 0


def test_answers_with_errors_make_no_figure(bare: Server) -> None:
    with pytest.raises(FaultyAnswersError):
        Target(bare, ["/nowhere"]).go(1, 2)
    with pytest.raises(FaultyAnswersError):
        in_turn(bare, ["/nowhere"], 1)


def test_the_threads_of_python_see_what_wrk_sees(
    bare: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.load.shutil.which", lambda _name: None)
    go = Target(bare, ["/bytes/10"] * 4).go(0.3, 2)
    assert go.bytes == 10 * go.requests
    assert go.p50 <= go.p99


def test_the_middle_go_is_taken_figure_by_figure() -> None:
    goes = [
        Go(requests=n, microseconds=1_000_000, bytes=0, errors=0, p50=n, p99=n, cpu=1.0)
        for n in (100, 200, 1_000)
    ]
    taken = middle(goes)
    assert round(taken.rate) == 200
    assert round(taken.cpu_ms) == 5
    assert taken.p50 == 200
