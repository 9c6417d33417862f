"""The identity number and the name stand nowhere: no table, log, answer, report of an error."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import structlog
import time_machine
from click.testing import CliRunner
from house import KEY, House, environ_of
from sqlalchemy import select

from app.cli import main
from app.database import Base, now
from app.identity import tasks
from app.identity.accounts import Known
from app.identity.services import real_names
from app.identity.services.identifying import Claim, Identifying
from app.identity.services.limits import Limiter
from app.identity.services.sessions import Visit
from app.jobs import runner
from app.outgoing.http import HttpWeb
from app.verification.gateway import GatewayVerifier
from app.verification.numbers import IdentityNumber
from app.verification.ports import Person, Result, VerifierAwayError
from app.verification.simulator import Simulator
from app.web import logs

from .papers import AGREED, NAME, ask, hurried, number, offering
from .people import AWAY, Browser, person

FATES = ("123", "901", "902", "903", "904", "905", "906", "907")
NUMBERS = [number(sequence=sequence) for sequence in FATES]
SLIPS = [NUMBERS[0][:-1] + "?", NUMBERS[0][:17], NUMBERS[0] + "1", "9" * 17 + "X"]


class Broken:
    """A service whose client fails in a way that nobody thought of, and repeats what it knows."""

    offers = Simulator().offers

    def verify(self, asking: str, known: Person) -> Result:
        raise RuntimeError(f"cannot verify {known!r} for {asking} {known.number!r}")


@pytest.fixture
def town(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[House]:
    """Logs everything, to where it is heard; the limits do not end the test."""
    assert capfd
    limits = "verification.account=999/60,verification.address=999/60,verification.number=999/60"
    made = House(
        tmp_path / "town", mail_url="memory:", sms_url="memory:", realname_url="simulator:",
        limits=limits,
    )  # fmt: skip
    offering(made, Simulator(pause=lambda _: None))
    logs.configure("debug")
    monkeypatch.setattr(logs, "logger", structlog.get_logger())  # others speak to another end
    monkeypatch.setattr(runner, "log", structlog.get_logger())
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield made
    logging.getLogger().setLevel(before)
    made.close()


def secrets() -> list[str]:
    """Whatever must stand nowhere: what was written, and what could be told from a plain hash."""
    plain = [*NUMBERS, *SLIPS[:1], NAME, *(one[6:14] + one[14:17] for one in NUMBERS)]
    hashes = [
        hashlib.new(name, one.encode()).hexdigest()
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s")
        for one in NUMBERS
    ]
    return plain + hashes


def kept(house: House) -> Iterator[str]:
    """Every row of every table."""
    with house.database.transaction(writes=False) as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                for value in row:
                    yield (
                        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    )


def leaks(said: Any) -> list[str]:
    """Which secrets stand in any of it."""
    everything = "\n".join(said)
    return [secret for secret in secrets() if secret in everything]


def spoken(answer: Any) -> str:
    return f"{answer.status} {answer.headers} {answer.text}"


def test_nothing_that_happens_to_a_number_leaves_a_trace(
    town: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person(town, "13800001234")
    browser, said = Browser(town, AWAY), list[str]()
    browser.sign_in("13800001234")
    for value in [*SLIPS, *NUMBERS]:
        said.append(spoken(ask(browser, value)))
        assert not leaks(kept(town))
        hurried(town)
        said.append(spoken(browser.send("GET", "/me/verification")))
        said.append(spoken(browser.client.get("/account/verification")))
        browser.send("DELETE", "/me/verification")
    for body in ({"number": NUMBERS[0]}, {"name": NAME, "number": [NUMBERS[0]]}):
        said.append(spoken(browser.post("/me/verification", **body)))
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        tasks.forget(town.adapters)
    assert not leaks(kept(town))
    heard = capfd.readouterr()
    assert "real-name.verified" in "".join(kept(town))
    assert '"event":"request"' in heard.err
    assert not leaks([*said, heard.out, heard.err, caplog.text])


def test_a_client_that_breaks_tells_nothing_either(
    town: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    offering(town, Broken())  # type: ignore[arg-type]
    person(town, "13800001234")
    browser = Browser(town, AWAY)
    browser.sign_in("13800001234")
    ask(browser, NUMBERS[0])
    for _ in range(6):
        hurried(town)
    heard = capfd.readouterr()
    assert "cannot verify" in heard.err
    assert not leaks([*kept(town), heard.out, heard.err, caplog.text])


def test_a_write_that_fails_tells_nothing(
    town: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(real_names, "enqueue", fail)
    person(town, "13800001234")
    browser = Browser(town, AWAY)
    browser.sign_in("13800001234")
    answer = ask(browser, NUMBERS[0])
    assert answer.status_code == 500
    heard = capfd.readouterr()
    assert "the ledger is gone" in heard.err
    assert not leaks([spoken(answer), heard.out, heard.err, *kept(town)])


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("the ledger is gone")


# What reports of errors show: every variable of every frame


def reported(error: BaseException | None) -> Iterator[str]:
    """What a service that gathers errors would be sent: messages, frames and their variables."""
    while error is not None:
        yield repr(error)
        yield from frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        if "/app/" in trace.tb_frame.f_code.co_filename:
            for name, value in trace.tb_frame.f_locals.items():
                yield f"{name}={value!r}"
        trace = trace.tb_next


def test_a_report_of_what_failed_at_the_gateway_shows_nobody() -> None:
    away = GatewayVerifier("http://127.0.0.1:9/", HttpWeb(own_machine=True), patience=0.5)
    for verifier in (away, Simulator(pause=lambda _: None), Broken()):
        for sequence in FATES[1:]:
            asked = Person(NAME, IdentityNumber(number(sequence=sequence)), "+8613800001234")
            failed = outcome(verifier, asked)
            said = list(reported(failed))
            assert not leaks(said)
            assert "13800001234" not in "".join(said)


def outcome(verifier: Any, asked: Person) -> BaseException | None:
    try:
        verifier.verify("a" * 32, asked)
    except (VerifierAwayError, RuntimeError) as error:
        return error
    return None


def test_a_report_of_what_failed_in_the_domain_shows_nobody(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = person(town, "13800001234")
    limiter = Limiter(town.database, town.adapters.cache, town.adapters.sealer, {})
    simulator = Simulator(pause=lambda _: None)
    counter = Identifying(town.database, limiter, town.adapters.sealer, simulator)
    at = now()
    known = Known(account, "session", "d", frozenset(), at, at, at, False, False, None)
    claim = Claim("number", NAME, NUMBERS[0], AGREED)
    monkeypatch.setattr(real_names, "enqueue", fail)
    with pytest.raises(RuntimeError) as failed:
        counter.identify(Visit(AWAY), known, claim)
    assert not leaks(reported(failed.value))


# What is taken elsewhere


def test_a_backup_made_while_it_waits_shows_nobody(town: House, tmp_path: Path) -> None:
    person(town, "13800001234")
    browser = Browser(town, AWAY)
    browser.sign_in("13800001234")
    ask(browser, NUMBERS[2])
    town.work()
    target = tmp_path / "backups"
    environ = {**environ_of(town.settings.data_dir), "KAIJUAN_SECRET_KEYS": KEY}
    done = CliRunner().invoke(main, ["backup", str(target)], env=environ)
    assert done.exit_code == 0, done.output
    files = [path.read_bytes() for path in target.rglob("*") if path.is_file()]
    parts = [gzip.decompress(one) if one[:2] == b"\x1f\x8b" else one for one in files]
    everything = [part.decode("utf-8", "replace") for part in parts]
    assert any(browser.json("/me")["account"] in part for part in everything)
    assert not leaks([done.output, *everything])
