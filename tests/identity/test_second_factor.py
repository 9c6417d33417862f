"""The second factor: who needs it, what counts without it, and what is tried and refused."""

from datetime import timedelta

import pytest
from house import House
from sqlalchemy import update

from app.database import now
from app.identity import accounts
from app.identity.models import Credential
from identity.people import PASSWORD, Browser, Device, enrol, link, person

PHONE = "13800001234"
MINE = "/libraries/main/staff"


def by_link(house: House, account: str) -> Browser:
    """A browser whose session a link began."""
    made = Browser(house)
    assert made.post("/session", secret=link(house, account)).status_code == 201
    return made


def age(house: House, back: timedelta) -> None:
    """Every session was begun so long ago."""
    with house.database.transaction() as session:
        session.execute(update(Credential).values(made_at=now() - back))


def test_an_administrator_comes_by_a_link_and_sets_one_up(town: House) -> None:
    account = person(town, PHONE, role="administrator", password=None)
    browser = by_link(town, account)
    assert browser.json("/me")["proven"], "for an hour, to begin with"
    device, recovery = enrol(browser)
    me = browser.json("/me")
    assert (me["second_factor"], me["proven"], len(set(recovery))) == ("on", True, 10)
    assert browser.send("GET", MINE).status_code == 200
    age(town, timedelta(hours=13))
    assert browser.send("GET", MINE).status_code == 403, "it is too long ago"
    assert browser.post("/session/second-factor", code=device.code()).status_code == 201
    assert browser.send("GET", MINE).status_code == 200


def test_power_over_others_does_not_count_without_one(town: House) -> None:
    person(town, PHONE, role="administrator")
    browser = Browser(town)
    assert browser.sign_in(PHONE).json["proven"] is False  # type: ignore[index]
    assert browser.send("GET", MINE).status_code == 403
    assert browser.post("/records", description={"title": "书"}).status_code == 403


def test_what_is_no_power_over_others_counts(town: House) -> None:
    person(town, PHONE, role="librarian")
    browser = Browser(town)
    browser.sign_in(PHONE)
    assert browser.send("GET", MINE).status_code == 403
    assert browser.post("/records", description={"title": "书"}).status_code == 201


def test_the_hour_of_a_link_ends(town: House) -> None:
    browser = by_link(town, person(town, PHONE, role="administrator"))
    assert browser.send("GET", MINE).status_code == 200
    age(town, accounts.GRACE)
    assert browser.send("GET", MINE).status_code == 403
    assert browser.post("/me/second-factor").status_code == 403


def test_a_password_alone_makes_no_second_factor_for_who_has_power(town: House) -> None:
    person(town, PHONE, role="librarian")
    browser = Browser(town)
    browser.sign_in(PHONE)
    answer = browser.post("/me/second-factor")
    assert (answer.status_code, answer.json["permission"]) == (403, "link-session")  # type: ignore[index]


def test_nobody_is_signed_in_before_it_was_shown(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    device, _ = enrol(first)
    browser = Browser(town)
    me = browser.sign_in(PHONE).json
    assert me == {
        "account": "", "name": "", "roles": [], "second_factor": "asked", "proven": False,
        "home": None, "handles": [], "closing_at": None,
    }  # fmt: skip
    assert browser.send("GET", "/me").status_code == 401
    half = browser.cookie
    assert browser.post("/session/second-factor", code=device.code()).status_code == 201
    assert browser.json("/me")["name"] == "王小明"
    assert browser.cookie != half


def test_a_link_does_not_go_past_it(town: House) -> None:
    account = person(town, PHONE, role="administrator")
    enrol(by_link(town, account))
    assert by_link(town, account).send("GET", "/me").status_code == 401


def test_recovering_by_a_code_does_not_go_past_it(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    enrol(first)
    browser = Browser(town)
    ticket, code = browser.ask("recover", PHONE)
    body = {"ticket": ticket, "code": code, "password": "another one, not common"}
    assert browser.post("/recoveries", **body).json["second_factor"] == "asked"  # type: ignore[index]
    assert browser.send("GET", "/me").status_code == 401


def test_sessions_from_before_are_asked_for_it(town: House) -> None:
    person(town, PHONE)
    first, other = Browser(town), Browser(town)
    for browser in (first, other):
        browser.sign_in(PHONE)
    device, _ = enrol(first)
    assert other.send("GET", "/me").status_code == 401
    assert other.post("/session/second-factor", code=device.code()).status_code == 201


def test_no_code_is_taken_twice(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    device, _ = enrol(first)
    code = device.code()
    answers = []
    for _ in range(2):
        browser = Browser(town)
        browser.sign_in(PHONE)
        answers.append(browser.post("/session/second-factor", code=code).status_code)
    assert answers == [201, 422]


def test_a_code_older_than_the_last_is_not_taken(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    device, _ = enrol(first)
    older, newer = device.code(), device.code()
    browser = Browser(town)
    browser.sign_in(PHONE)
    assert browser.post("/session/second-factor", code=newer).status_code == 201
    assert browser.post("/session/second-factor", code=older).status_code == 422


def test_a_clock_may_be_wrong_by_one_step(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    device, _ = enrol(first)
    device._shift = 2
    assert first.post("/session/second-factor", code=device.code()).status_code == 422
    device._shift = 1
    assert first.post("/session/second-factor", code=device.code()).status_code == 201


def test_codes_cannot_be_tried_one_after_the_other(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    device, _ = enrol(first)
    tried = [first.post("/session/second-factor", code="000000").status_code for _ in range(11)]
    assert (tried[0], tried[-1]) == (422, 429)
    assert first.post("/session/second-factor", code=device.code()).status_code == 429


def test_a_recovery_code_works_once_in_any_writing(town: House) -> None:
    person(town, PHONE)
    first = Browser(town)
    first.sign_in(PHONE)
    _, recovery = enrol(first)
    answers = []
    for code in (recovery[0], recovery[0], recovery[1].upper().replace("-", " ")):
        browser = Browser(town)
        browser.sign_in(PHONE)
        answers.append(browser.post("/session/second-factor", code=code).status_code)
    assert answers == [201, 422, 201]


def test_it_is_taken_away_by_a_code_of_it(town: House) -> None:
    person(town, PHONE)
    browser = Browser(town)
    browser.sign_in(PHONE)
    device, recovery = enrol(browser)
    assert browser.post("/me/second-factor/removal", code="000000").status_code == 422
    assert browser.post("/me/second-factor").status_code == 409
    assert browser.post("/me/second-factor/removal", code=device.code()).status_code == 204
    other = Browser(town)
    assert other.sign_in(PHONE, PASSWORD).json["second_factor"] == "off"  # type: ignore[index]
    assert other.post("/session/second-factor", code=recovery[0]).status_code == 422


def test_a_key_counts_only_once_a_code_of_it_was_shown(town: House) -> None:
    person(town, PHONE)
    browser = Browser(town)
    browser.sign_in(PHONE)
    keys = [browser.post("/me/second-factor").json["key"] for _ in range(2)]  # type: ignore[index]
    assert Browser(town).sign_in(PHONE).json["second_factor"] == "off"  # type: ignore[index]
    old = {"code": Device(keys[0]).code()}
    assert browser.send("PUT", "/me/second-factor", old).status_code == 422
    new = {"code": Device(keys[1]).code()}
    assert browser.send("PUT", "/me/second-factor", new).status_code == 200


@pytest.mark.parametrize("path", ["/session/second-factor", "/me/second-factor/removal"])
def test_nobody_has_none_to_show(browser: Browser, path: str) -> None:
    assert browser.post(path, code="000000").status_code == 401
