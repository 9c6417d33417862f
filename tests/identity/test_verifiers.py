"""Asking the service that verifies real names: every way in which it can fail is told apart."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from app.adapters import open_real_names
from app.config import SettingError
from app.outgoing.http import HttpWeb
from app.verification.factory import open_verifier
from app.verification.gateway import GatewayVerifier
from app.verification.numbers import IdentityNumber
from app.verification.ports import Method, Person, Result, Verifier, VerifierAwayError
from app.verification.simulator import FATES, Simulator

from .papers import NAME, number

WEB = HttpWeb(own_machine=True)
SEQUENCES = {fate: sequence for sequence, fate in FATES.items()}


def person(fate: str = "match", phone: str = "") -> Person:
    """Somebody whose number says what becomes of the asking."""
    return Person(NAME, IdentityNumber(number(sequence=SEQUENCES.get(fate, "123"))), phone)


class Service(BaseHTTPRequestHandler):
    """The simulator behind HTTP."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), json.loads(body)))  # type: ignore[attr-defined]
        answer = getattr(self.server, "answer", None)
        status, said, rest = answer or self.server.simulator.answer(body)  # type: ignore[attr-defined]
        self.send_response(status)
        if rest:
            self.send_header("Location" if 300 <= status < 400 else "Retry-After", rest)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def served(**more: Any) -> Iterator[Any]:
    """A service that runs for as long."""
    server = HTTPServer(("127.0.0.1", 0), Service)
    vars(server).update({"got": [], "simulator": Simulator(pause=lambda _: None), **more})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[Any]:
    with served() as server:
        yield server


@pytest.fixture(params=["in place", "over http"])
def verifier(request: pytest.FixtureRequest, service: Any) -> Verifier:
    """The same service, asked in both ways."""
    if request.param == "in place":
        return Simulator(pause=lambda _: None)
    return GatewayVerifier(f"http://127.0.0.1:{service.server_port}/verify", WEB)


@pytest.mark.parametrize("fate", ["match", "mismatch", "unknown"])
def test_what_the_service_knows_is_answered(verifier: Verifier, fate: str) -> None:
    assert verifier.verify("a" * 32, person(fate)) is Result(fate)


@pytest.mark.parametrize(("fate", "rest"), [("down", 0.0), ("busy", 2.0), ("garbled", 0.0)])
def test_a_service_that_fails_is_away_and_its_rest_is_kept(
    verifier: Verifier, fate: str, rest: float
) -> None:
    with pytest.raises(VerifierAwayError) as away:
        verifier.verify("a" * 32, person(fate))
    assert away.value.rest == rest
    assert NAME not in str(away.value)


def test_a_slow_service_is_waited_for_and_one_that_hangs_is_not() -> None:
    waited: list[float] = []
    simulator = Simulator(pause=waited.append)
    assert simulator.verify("a" * 32, person("slow")) is Result.MATCH
    with pytest.raises(VerifierAwayError):
        simulator.verify("a" * 32, person("timeout"))
    assert waited == [2.0]


def test_an_answer_that_drips_is_given_up() -> None:
    hold = threading.Event()
    slow = Simulator(pause=lambda _: bool(hold.wait(2)))
    with served(simulator=slow) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        with pytest.raises(VerifierAwayError):
            GatewayVerifier(url, WEB, patience=0.2).verify("a" * 32, person("slow"))
        hold.set()


@pytest.mark.parametrize(
    "answer",
    [(302, b'{"result":"match"}', "http://elsewhere.example/"), (500, b"", ""), (200, b"", ""),
     (200, b'{"result":"match"}' + b" " * 5000, ""), (200, b'{"result":"yes"}', ""),
     (200, b'["match"]', ""), (204, b"", ""), (401, b"", "")],
)  # fmt: skip
def test_nothing_but_a_plain_answer_verifies_anybody(service: Any, answer: Any) -> None:
    service.answer = answer
    with pytest.raises(VerifierAwayError):
        GatewayVerifier(f"http://127.0.0.1:{service.server_port}/", WEB).verify("a" * 32, person())


def test_what_is_sent_is_our_form_with_the_name_and_password_of_the_address(service: Any) -> None:
    url = f"http://kaijuan:p%40ss@127.0.0.1:{service.server_port}/verify?tenant=1"
    asked = person(phone="+8613800001234")
    assert GatewayVerifier(url, WEB).verify("b" * 32, asked) is Result.MATCH
    ((headers, body),) = service.got
    assert headers["Authorization"] == "Basic a2FpanVhbjpwQHNz"
    assert headers["Idempotency-Key"] == body["id"] == "b" * 32
    assert (body["name"], body["number"]) == (NAME, asked.number.value)
    assert body["phone"] == "+8613800001234"


def test_a_seed_brings_the_same_faults_each_time_and_they_pass() -> None:
    def run() -> list[list[str]]:
        simulator, found = Simulator(seed=7, faults=40, pause=lambda _: None), []
        for sequence in range(100, 160):
            known = Person(NAME, IdentityNumber(number(sequence=str(sequence))))
            found.append([outcome(simulator, f"{sequence}", known) for _ in range(3)])
        return found

    first = run()
    assert first == run()
    assert {one[0] for one in first} == {"match", "away"}
    assert {one[2] for one in first} == {"match"}


def outcome(simulator: Simulator, asking: str, known: Person) -> str:
    try:
        return str(simulator.verify(asking, known))
    except VerifierAwayError:
        return "away"


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "http://verify.example.org/", "https://", "simulator:?fault=1", "https://x/#all",
     "simulator:?seed=x", "nonsense"],
)  # fmt: skip
def test_an_address_that_will_not_do_ends_the_start(url: str) -> None:
    with pytest.raises(SettingError, match="KAIJUAN_REALNAME_URL"):
        open_real_names(url)


def test_an_address_may_offer_one_method_alone() -> None:
    assert open_verifier("", WEB) is None
    both = open_verifier("https://user:secret@verify.example.org/v1", WEB)
    assert both
    assert both.offers == (Method.NUMBER, Method.CARRIER)
    assert "secret" not in repr(both)
    one = open_verifier("https://verify.example.org/v1#number", WEB)
    assert one
    assert one.offers == (Method.NUMBER,)
