"""Signing out where a system sends the person, and what may not be made of that."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from house import House
from identity.people import SITE, Browser, person
from werkzeug.test import TestResponse

from app.outgoing.memory import MemoryWeb
from app.signon.issuing import open_tokens
from signon import ends

PHONE, MAIL = "13800001234", "wang@example.org"
LOGOUT = "/oauth2/logout"


@pytest.fixture
def web(house: House) -> MemoryWeb:
    return ends.connected(house)


@pytest.fixture
def reader(house: House, web: MemoryWeb) -> Browser:
    """Somebody who is signed in."""
    person(house, PHONE)
    browser = Browser(house)
    assert browser.sign_in(PHONE).status_code == 201
    return browser


def leave(browser: Browser, **asked: str) -> TestResponse:
    """What a system has the browser ask."""
    return browser.client.get(LOGOUT, query_string=asked)


def confirm(browser: Browser, page: TestResponse, **changed: str) -> TestResponse:
    """The person presses the button."""
    form = re.search(rf'<form[^>]*action="{LOGOUT}/confirm".*?</form>', page.text, re.DOTALL)
    assert form, page.text
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return browser.client.post(f"{LOGOUT}/confirm", data=hidden | changed, headers=SITE)


def is_in(browser: Browser) -> bool:
    """Whether the browser is signed in."""
    return browser.send("GET", "/me").status_code == 200


def test_who_shows_an_id_token_of_the_session_ends_it(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    client = ends.system(house)
    hint = ends.sign_on(reader, client)["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": ends.BACK, "state": "a b&c"}
    answer = leave(reader, **asked)
    assert answer.status_code == 303
    assert answer.location.startswith(ends.BACK + "&")
    assert parse_qs(urlsplit(answer.location).query)["state"] == ["a b&c"]
    assert not is_in(reader)
    ends.tell(house)
    assert [one.url for one in web.asked] == [ends.TOLD]


def test_an_id_token_that_has_run_out_is_still_a_hint(house: House, reader: Browser) -> None:
    client = ends.system(house)
    sid = ends.claims(house, ends.sign_on(reader, client)["id_token"], "JWT")["sid"]
    old = open_tokens(house.settings).sign("JWT", client, {"sub": "x", "sid": sid, "exp": 1})
    assert leave(reader, id_token_hint=old).status_code == 200
    assert not is_in(reader)


def test_a_hint_outlives_the_key_that_signed_it(house: House, reader: Browser) -> None:
    hint = ends.sign_on(reader, ends.system(house))["id_token"]
    open_tokens(house.settings).keys.rotate(at_once=True)
    house.open_doors()
    reader.client = signed(house, reader)
    assert leave(reader, id_token_hint=hint).status_code == 200
    assert not is_in(reader)


def signed(house: House, browser: Browser) -> FlaskClient:
    """The same browser, at the application as it is now."""
    client = house.app.test_client()
    client.set_cookie("kaijuan", browser.cookie)
    return client


def test_without_a_hint_the_person_is_asked(house: House, web: MemoryWeb, reader: Browser) -> None:
    client = ends.system(house)
    ends.sign_on(reader, client)
    page = leave(reader, client_id=client, post_logout_redirect_uri=ends.BACK, state="s")
    assert page.status_code == 200
    assert "读者门户" in page.text
    assert is_in(reader)
    done = confirm(reader, page)
    assert done.headers["Refresh"] == f"0; url={ends.BACK}&state=s"
    assert not is_in(reader)
    ends.tell(house)
    assert len(web.asked) == 1


def test_a_hint_of_another_session_does_not_end_this_one(house: House, reader: Browser) -> None:
    client = ends.system(house)
    person(house, MAIL)
    attacker = Browser(house)
    attacker.sign_in(MAIL)
    hint = ends.sign_on(attacker, client)["id_token"]
    page = leave(reader, id_token_hint=hint, post_logout_redirect_uri=ends.BACK)
    assert "/confirm" in page.text
    assert is_in(reader)


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example.org/", ends.BACK + "#x", ends.BACK + "&x=1", ends.BACK.upper(),
        "https://app.example.org/left", "javascript:alert(1)", "//app.example.org/left",
        "https://app.example.org/left?from=library@evil.example.org", ends.CALLBACK,
    ],
)  # fmt: skip
def test_nobody_is_sent_where_nothing_is_registered(house: House, reader: Browser, to: str) -> None:
    client = ends.system(house)
    hint = ends.sign_on(reader, client)["id_token"]
    answer = leave(reader, id_token_hint=hint, post_logout_redirect_uri=to)
    assert answer.status_code == 422
    assert "Location" not in answer.headers
    assert "Refresh" not in answer.headers
    assert is_in(reader)


def test_another_systems_address_is_not_this_ones(house: House, reader: Browser) -> None:
    ends.system(house)
    elsewhere = ends.system(house, post_logout_redirect_uris=())
    answer = leave(reader, client_id=elsewhere, post_logout_redirect_uri=ends.BACK)
    assert answer.status_code == 422
    nobody = leave(reader, post_logout_redirect_uri=ends.BACK)
    assert nobody.status_code == 422


def test_a_form_that_was_changed_leads_nowhere_either(house: House, reader: Browser) -> None:
    client = ends.system(house)
    page = leave(reader, client_id=client, post_logout_redirect_uri=ends.BACK)
    evil = confirm(reader, page, post_logout_redirect_uri="https://evil.example.org/")
    assert evil.status_code == 422
    assert "evil" not in str(evil.headers)
    assert is_in(reader)


def forged(house: House, client: str, hint: str) -> dict[str, dict[str, Any]]:
    """Hints that are not what they seem."""
    tokens = open_tokens(house.settings)
    body = {"sub": "x", "sid": "y"}
    head, claims, seal = hint.split(".")
    return {
        "cut": {"id_token_hint": f"{head}.{claims}."},
        "changed": {"id_token_hint": f"{head}.{claims[:-4]}AAAA.{seal}"},
        "no algorithm": {"id_token_hint": f"eyJhbGciOiJub25lIn0.{claims}."},
        "another kind": {"id_token_hint": tokens.sign("logout+jwt", client, body)},
        "another issuer": {"id_token_hint": tokens.sign("JWT", client, body | {"iss": "x"})},
        "another system": {"id_token_hint": hint, "client_id": ends.system(house)},
        "nonsense": {"id_token_hint": "nonsense"},
    }


def test_a_forged_hint_ends_nothing(house: House, reader: Browser) -> None:
    client = ends.system(house)
    hint = ends.sign_on(reader, client)["id_token"]
    for what, asked in forged(house, client, hint).items():
        assert leave(reader, **asked).status_code == 422, what
        assert is_in(reader), what


def test_another_site_cannot_sign_anybody_out(house: House, reader: Browser) -> None:
    page = leave(reader)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert reader.client.post(f"{LOGOUT}/confirm", headers=foreign).status_code == 403
    assert reader.client.post(f"{LOGOUT}/confirm", headers=SITE).status_code == 403, "no token"
    assert is_in(reader)
    assert confirm(reader, page).status_code == 200
    assert not is_in(reader)


def test_a_form_of_the_system_is_sent_on_as_a_link(house: House, reader: Browser) -> None:
    client = ends.system(house)
    hint = ends.sign_on(reader, client)["id_token"]
    without_cookie = house.app.test_client()
    sent = without_cookie.post(
        LOGOUT, data={"id_token_hint": hint}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert sent.status_code == 303
    assert is_in(reader), "the cookie did not come with the form"
    assert reader.client.get(sent.location).status_code == 200
    assert not is_in(reader)


def test_a_system_beside_us_may_send_its_form_with_our_cookie(
    house: House, reader: Browser
) -> None:
    hint = ends.sign_on(reader, ends.system(house))["id_token"]
    beside = {"Sec-Fetch-Site": "same-site"}
    sent = reader.client.post(LOGOUT, data={"id_token_hint": hint}, headers=beside)
    assert (sent.status_code, is_in(reader)) == (303, True)
    assert reader.client.get(sent.location).status_code == 200
    assert not is_in(reader)


def test_who_is_not_signed_in_is_sent_back_at_once(house: House) -> None:
    ends.connected(house)
    client = ends.system(house)
    answer = leave(Browser(house), client_id=client, post_logout_redirect_uri=ends.BACK)
    assert (answer.status_code, answer.location) == (303, ends.BACK)
