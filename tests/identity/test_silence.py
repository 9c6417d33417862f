"""Whatever is tried at the door, no log line, answer or audit row says by what and with what."""

import logging
from collections.abc import Iterator

import pytest
from house import House
from sqlalchemy import text

from app.web import logs
from identity.people import AGREED, PASSWORD, Browser, person

PHONE, MAIL, STRANGER = "13800001234", "wang@example.org", "13900005678"
WRONG = "a wrong password, not common"


@pytest.fixture
def town(town: House) -> Iterator[House]:
    """Logs everything."""
    logs.configure("debug")
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield town
    logging.getLogger().setLevel(before)


def audited(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        return [str(tuple(row)) for row in session.execute(text("SELECT * FROM audit_events"))]


def counted(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        return [str(tuple(row)) for row in session.execute(text("SELECT * FROM attempts"))]


def test_the_door_is_silent(
    town: House,
    browser: Browser,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers, codes = [], []
    ticket, code = browser.ask("sign-up", PHONE)
    answers.append(
        browser.post("/accounts", ticket=ticket, code="000000", name="王小明", agreed=AGREED)
    )
    made = browser.post(
        "/accounts", ticket=ticket, code=code, name="王小明", password=PASSWORD, agreed=AGREED
    )
    assert made.status_code == 201
    codes.append(code)
    person(town, MAIL)
    for handle in (PHONE, MAIL, STRANGER, f" {PHONE} ", "no handle at all"):
        answers.append(browser.sign_in(handle, WRONG))
        answers.append(browser.post("/session/password", handle=handle, password=""))
        answers.append(browser.post("/session/password", handle=[handle], password=WRONG))
    assert Browser(town).sign_in(MAIL).status_code == 201
    ticket, code = browser.ask("recover", PHONE)
    codes.append(code)
    answers.append(browser.post("/recoveries", ticket=ticket, code="111111", password=WRONG))
    answers += [browser.sign_in(PHONE, WRONG) for _ in range(12)]
    assert answers[-1].status_code == 429
    assert audited(town)
    spoken = capfd.readouterr()
    everything = [answer.text + str(answer.headers) for answer in answers]
    everything += [spoken.out, spoken.err, caplog.text, *audited(town), *counted(town)]
    assert '"event":"request"' in spoken.err
    for secret in (PHONE, MAIL, STRANGER, "王小明", PASSWORD, WRONG, *codes):
        assert not [said for said in everything if secret in said], secret
