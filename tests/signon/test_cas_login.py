"""Signing on by CAS: who is sent where, with what, and who is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from house import House
from identity.people import SITE, Browser, enrol, person
from lxml import etree
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from app.background import registry
from app.database import now
from app.identity.models import Account, AuditEvent
from app.signon.models import Approval, Client, Ticket
from app.signon.schemas import Scope
from signon.cas_systems import (
    PORTAL,
    READER,
    login,
    refusal,
    signed_in,
    system,
    ticket,
    user,
    validate,
)


def sign_in_page(answer_location: str) -> str:
    """Where somebody goes on after signing in, who was sent to our page for it."""
    there = urlsplit(answer_location)
    assert there.path == "/sign-in"
    return parse_qs(there.query)["next"][0]


def test_who_is_signed_in_goes_back_with_a_ticket(house: House) -> None:
    system(house)
    answer = login(signed_in(house), PORTAL + "/shelf?page=2")
    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    there, _, made = answer.location.partition("&ticket=")
    assert there == PORTAL + "/shelf?page=2"
    assert made.startswith("ST-")
    assert len(made) == 32
    assert made.replace("-", "").isalnum()


def test_who_is_not_signed_in_signs_in_first_and_is_sent_on_by_a_page(house: House) -> None:
    system(house)
    person(house, READER)
    browser = Browser(house)
    onwards = sign_in_page(login(browser).location)
    page = browser.client.get("/sign-in", query_string={"next": onwards})
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    form = {"form_token": token, "handle": READER, "password": "满纸荒唐言，一把辛酸泪"}
    inside = browser.client.post("/sign-in", data=form | {"next": onwards}, headers=SITE)
    assert (inside.status_code, inside.headers["Refresh"]) == (200, f"0; url={onwards}")
    answer = browser.client.get(onwards)
    assert answer.location.startswith(PORTAL + "?ticket=ST-")


def test_a_ticket_for_which_nobody_signed_in_is_of_no_new_login(house: House) -> None:
    system(house)
    browser = signed_in(house)
    made = ticket(browser)
    assert refusal(validate(house, made, renew="true")) == "INVALID_TICKET"
    assert user(validate(house, made)) is None  # spent all the same


def test_an_old_session_is_not_enough_where_signing_in_is_asked_for(house: House) -> None:
    system(house)
    browser = signed_in(house)
    onwards = sign_in_page(login(browser, renew="true").location)
    again = browser.client.get(onwards)  # without having signed in
    assert urlsplit(again.location).path == "/sign-in"
    assert browser.sign_in(READER).status_code == 201
    answer = browser.client.get(onwards)
    made = answer.location.partition("ticket=")[2]
    assert user(validate(house, made, renew="true"))
    assert urlsplit(browser.client.get(onwards).location).path == "/sign-in"  # that was once


def test_a_session_of_before_does_not_become_new_by_a_cookie_of_another_service(
    house: House,
) -> None:
    system(house)
    system(house, "https://other.example.org/")
    browser = signed_in(house)
    login(browser, "https://other.example.org/", renew="true")
    assert browser.sign_in(READER).status_code == 201
    assert urlsplit(login(browser, renew="true").location).path == "/sign-in"


def test_signing_in_for_a_service_is_remembered_for_a_while_only(house: House) -> None:
    system(house)
    browser = signed_in(house)
    login(browser, renew="true")
    with time_machine.travel(now() + timedelta(minutes=16)):
        assert browser.sign_in(READER).status_code == 201
        assert urlsplit(login(browser, renew="true").location).path == "/sign-in"


def test_a_gateway_without_a_session_goes_back_without_a_ticket(house: House) -> None:
    system(house)
    answer = login(Browser(house), PORTAL + "?a=1", gateway="true")
    assert (answer.status_code, answer.location) == (303, PORTAL + "?a=1")
    assert "ticket=ST-" in login(signed_in(house), gateway="true").location
    asked = login(Browser(house), gateway="true", renew="true")
    assert urlsplit(asked.location).path == "/sign-in"


def test_nobody_makes_tickets_without_end(tmp_path: Path) -> None:
    house = House(tmp_path / "data", limits="tickets.account=3/60")
    system(house)
    browser = signed_in(house)
    assert [login(browser).status_code for _ in range(4)] == [303, 303, 303, 429]
    assert login(Browser(house), gateway="true").status_code == 303  # others go on
    house.close()


def test_a_ticket_can_be_posted(house: House) -> None:
    system(house, name="门户<b>")
    answer = login(signed_in(house), method="POST")
    assert answer.status_code == 200
    assert f'method="post" action="{PORTAL}"' in answer.text
    assert "门户&lt;b&gt;" in answer.text
    allowed = answer.headers["Content-Security-Policy"]
    assert "form-action https://portal.example.org:443;" in allowed
    made = answer.text.split('name="ticket" value="')[1].split('"')[0]
    assert user(validate(house, made))


def test_without_a_service_one_sees_ones_account(house: House) -> None:
    assert login(signed_in(house), "").location == "/account"
    assert login(Browser(house), "").location == "/sign-in?next=%2Faccount"


ELSEWHERE = (
    "https://evil.example/",
    "https://portal.example.org.evil.example/app",
    "https://portal.example.org@evil.example/app",
    "https://evil.example\\@portal.example.org/app",
    "https://portal.example.org\\.evil.example/app",
    "https://evil.example#@portal.example.org/app",
    "https://portal.example.org/app#there",
    "https://portal.example.org:8443/app",
    "http://portal.example.org/app",
    "//portal.example.org/app",
    "//evil.example/app",
    "/app",
    "javascript:alert(1)//portal.example.org/app",
    "https://portal.example.org/application",
    "https://portal.example.org/",
    "https://portal.example.org/app/../admin",
    "https://portal.example.org/app/%2e%2e/admin",
    "https://portal.example.org/app%2f..%2fadmin",
    "https://portal%2eexample.org/app",
    "https://portal.example.org%00.evil.example/app",
    "https://portal.example.org./app",
    "https://pоrtal.example.org/app",  # with a Cyrillic o
    "https://portal。example。org/app",
    "https://xn--prtal-fmf.example.org/app",
    " https://portal.example.org/app",
    "https://portal.example.org/app\r\nSet-Cookie: a=b",
    "https:portal.example.org/app",
    "https:///portal.example.org/app",
    "https://[portal.example.org]/app",
)


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Browser]]:
    """Of nobody, and of a reader; one system is registered."""
    made = House(tmp_path_factory.mktemp("elsewhere") / "data")
    system(made)
    yield [Browser(made), signed_in(made)]
    made.close()


@pytest.mark.parametrize("service", ELSEWHERE)
def test_nobody_is_sent_where_no_system_is_registered(
    browsers: list[Browser], service: str
) -> None:
    for browser in browsers:
        for asked in ({}, {"gateway": "true"}, {"renew": "true"}, {"method": "POST"}):
            answer = login(browser, service, **asked)
            assert (answer.status_code, answer.location) == (403, None), asked
            assert "action=" not in answer.text
            assert "portal.example.org/" not in answer.text
    out = browsers[0].client.get("/cas/logout", query_string={"service": service})
    assert (out.status_code, out.location) == (200, None)


def test_a_refusal_says_where_the_request_came_from_and_writes_nothing_else_of_it(
    house: House,
) -> None:
    answer = login(Browser(house), "https://evil.example/<script>alert(1)</script>?ticket=1")
    assert answer.status_code == 403
    assert "https://evil.example:443" in answer.text
    assert "alert(1)" not in answer.text


def test_a_suspended_system_is_as_one_that_is_not_there(house: House) -> None:
    client_id = system(house)
    browser = signed_in(house)
    made = ticket(browser)
    with house.database.transaction() as session:
        session.execute(update(Client).values(suspended_at=now()))
    assert login(browser).status_code == 403
    assert refusal(validate(house, made)) == "UNAUTHORIZED_SERVICE"
    assert client_id


def test_a_suspended_account_gets_no_ticket_and_one_made_before_is_no_good(house: House) -> None:
    system(house)
    browser = signed_in(house)
    made = ticket(browser)
    with house.database.transaction() as session:
        session.execute(update(Account).values(suspended_at=now()))
    answer = login(browser)
    assert (answer.status_code, answer.location) == (403, None)
    assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_half_of_the_way_in_is_not_enough(house: House) -> None:
    system(house)
    person(house, READER, role="cataloguer")
    first, second = Browser(house), Browser(house)
    first.sign_in(READER)
    device, _ = enrol(first)
    second.sign_in(READER)
    assert urlsplit(login(second).location).path == "/sign-in"
    assert login(second, gateway="true").location == PORTAL
    assert second.post("/session/second-factor", code=device.code()).status_code == 201
    assert ticket(second)


def test_a_system_with_a_token_gets_no_ticket(house: House) -> None:
    system(house)
    answer = house.client.get(
        "/cas/login", query_string={"service": PORTAL}, headers=house.token("administrator")
    )
    assert urlsplit(answer.location).path == "/sign-in"


def test_a_cookie_that_somebody_foisted_is_not_the_session_afterwards(house: House) -> None:
    system(house)
    person(house, READER)
    browser = Browser(house)
    browser.client.set_cookie("kaijuan", "foisted-by-somebody-else")
    onwards = sign_in_page(login(browser).location)
    assert browser.sign_in(READER).status_code == 201
    assert browser.cookie != "foisted-by-somebody-else"
    assert "ticket=ST-" in browser.client.get(onwards).location
    other = Browser(house)
    other.client.set_cookie("kaijuan", "foisted-by-somebody-else")
    assert urlsplit(login(other).location).path == "/sign-in"


def test_signing_out_ends_the_session_and_what_came_of_it(house: House) -> None:
    system(house)
    browser = signed_in(house)
    made = ticket(browser)
    answer = browser.client.get("/cas/logout")
    assert answer.status_code == 200
    assert browser.cookie == ""
    assert urlsplit(login(browser).location).path == "/sign-in"
    assert refusal(validate(house, made)) == "INVALID_TICKET"
    with house.database.transaction() as session:
        assert session.scalar(select(Ticket)) is None


def test_after_signing_out_one_goes_on_to_a_system_that_is_registered(house: House) -> None:
    system(house)
    browser = signed_in(house)
    said = {"service": PORTAL + "/bye", "url": "https://evil.example/"}
    answer = browser.client.get("/cas/logout", query_string=said)
    assert (answer.status_code, answer.location) == (303, PORTAL + "/bye")
    only_url = browser.client.get("/cas/logout", query_string={"url": PORTAL})
    assert (only_url.status_code, only_url.location) == (200, None)


def test_that_somebody_signed_on_stands_in_the_trail(house: House) -> None:
    client_id = system(house)
    made = ticket(signed_in(house))
    with house.database.transaction() as session:
        wanted = select(AuditEvent).where(AuditEvent.action == "client.signed-on")
        event = session.scalars(wanted).one()
        assert event.actor
        assert client_id.encode() in event.detail
        assert made.encode() not in event.detail


def test_tickets_are_kept_as_digests_and_forgotten_when_they_have_expired(house: House) -> None:
    system(house)
    made = ticket(signed_in(house))
    with house.database.transaction() as session:
        row = session.scalars(select(Ticket)).one()
        assert made not in (row.digest, row.service)
    with time_machine.travel(now() + timedelta(hours=2)):
        forget(house)
        with house.database.transaction() as session:
            assert session.scalar(select(Ticket)) is None


def forget(house: House) -> None:
    """What the worker does every hour."""
    registry().periodics["signon.forget"].run(house.adapters)


def agree(browser: Browser, page: str, answer: str) -> TestResponse:
    """What a person says on the page that asks."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    form = {name: unescape(value) for name, value in fields.items()} | {"answer": answer}
    return browser.client.post("/cas/consent", data=form, headers=SITE)


def test_a_system_of_others_is_told_who_it_is_once_the_person_agreed(house: House) -> None:
    system(house, is_trusted=False)
    browser = signed_in(house)
    asked = login(browser)
    assert (asked.status_code, asked.location) == (200, None)
    assert "portal.example.org" in asked.text
    assert login(browser, gateway="true").location == PORTAL
    agreed = agree(browser, asked.text, "yes")
    onwards = agreed.headers["Refresh"].partition("url=")[2]
    made = browser.client.get(onwards).location.partition("ticket=")[2]
    assert user(validate(house, made))
    assert ticket(browser)  # it is asked once


def test_who_does_not_agree_stays_here(house: House) -> None:
    system(house, is_trusted=False)
    browser = signed_in(house)
    assert agree(browser, login(browser).text, "no").location == "/account"
    assert login(browser).status_code == 200


@pytest.mark.parametrize(
    "onwards",
    ["https://evil.example/cas/login?service=" + PORTAL, "/elsewhere?service=" + PORTAL,
     "//evil.example/cas/login?service=" + PORTAL, "/cas/login?service=https://evil.example/", ""],
)  # fmt: skip
def test_agreeing_leads_nowhere_else(house: House, onwards: str) -> None:
    system(house, is_trusted=False)
    browser = signed_in(house)
    page = re.sub(
        r'name="next" value="[^"]*"', f'name="next" value="{onwards}"', login(browser).text
    )
    answer = agree(browser, page, "yes")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert login(browser).status_code == 200


def test_another_site_does_not_agree_for_anybody(house: House) -> None:
    system(house, is_trusted=False)
    browser = signed_in(house)
    form = {"next": "/cas/login?service=" + PORTAL, "answer": "yes"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, SITE):  # and without our form's token
        answer = browser.client.post("/cas/consent", data=form, headers=headers)
        assert answer.status_code == 403
    assert login(browser).status_code == 200


def test_what_was_not_agreed_to_is_not_told(house: House) -> None:
    """Phone and e-mail are asked for even by a library's own system."""
    system(house, scopes=(Scope.PROFILE, Scope.EMAIL))
    browser = signed_in(house)
    asked = login(browser)
    assert asked.status_code == 200
    agree(browser, asked.text, "yes")
    made, later = ticket(browser), ticket(browser)
    assert b"reader@example.org" in etree.tostring(validate(house, made))
    with house.database.transaction() as session:
        session.execute(delete(Approval))
    told = etree.tostring(validate(house, later))
    assert b"reader@example.org" not in told
    assert "王小明" in etree.fromstring(told).xpath("string()")
