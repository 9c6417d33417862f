"""Providers that answer over the wire as none should: nobody waits long, nothing is followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from house import House
from werkzeug.wrappers import Request, Response

from app.signon import disbelief
from signon.cas_systems import serving
from signon.elsewhere import Traveller, provider


def redirecting(request: Request) -> Response:
    if request.path == "/secret":
        raise AssertionError("a redirect was followed")
    return Response(status=302, headers={"Location": "/secret"})


def endless(_: Request) -> Response:
    def chunks() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    return Response(chunks(), content_type="application/json")


def dripping(_: Request) -> Response:
    def drops() -> Iterator[bytes]:
        while True:
            time.sleep(0.05)
            yield b" "

    return Response(drops(), content_type="application/json")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An installation that is not patient."""
    monkeypatch.setattr(disbelief, "PATIENCE", 0.5)
    made = House(tmp_path / "town")
    made.network()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("answer", "status"), [(redirecting, 403), (endless, 503), (dripping, 503)]
)
def test_nobody_waits_for_a_provider_that_does_not_answer_as_it_should(
    house: House, answer: Callable[[Request], Response], status: int
) -> None:
    with serving(Request.application(answer)) as address:
        known = provider(house, address=address)
        began = time.monotonic()
        went = Traveller(house).fill("/sign-in/library", "/sign-in/library", provider=known)
        assert (went.status_code, time.monotonic() - began < 5) == (status, True)
