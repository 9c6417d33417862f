"""Attacks on signing on, each of which is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from house import House
from identity.people import PASSWORD, SITE, Browser, person
from joserfc.jwk import RSAKey
from joserfc.jwt import encode

from app.database import now
from app.signon.issuing import open_tokens
from signon.systems import (
    CALLBACK,
    ISSUER,
    READER,
    VERIFIER,
    System,
    agree,
    changed,
    query_of,
    reader,
    through,
    visit,
)

TRADE = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}


def code_for(system: System, browser: Browser) -> str:
    """A code, on its way to the system."""
    return query_of(through(browser, system.asks(system.client())))["code"]


def error_of(system: System, **form: str) -> str:
    """What the token endpoint says is wrong."""
    answer = system.post("token_endpoint", **form)
    assert answer.status_code in (400, 401), answer.text
    return str(answer.json()["error"])


def is_open(system: System, tokens: dict[str, Any]) -> bool:
    """Whether the tokens still open anything."""
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = system.known.get(system.metadata["userinfo_endpoint"], headers=bearer)
    return told.status_code == 200


def test_a_code_that_is_shown_again_ends_what_came_of_it(town: House, loans: System) -> None:
    code = code_for(loans, reader(town))
    tokens = loans.post("token_endpoint", code=code, **TRADE).json()
    assert is_open(loans, tokens)
    assert error_of(loans, code=code, **TRADE) == "invalid_grant"
    assert not is_open(loans, tokens)
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert error_of(loans, **again) == "invalid_grant"


def test_a_code_is_good_for_a_minute(town: House, loans: System) -> None:
    code = code_for(loans, reader(town))
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert error_of(loans, code=code, **TRADE) == "invalid_grant"


def test_a_code_of_somebody_who_has_signed_out_is_worth_nothing(town: House, loans: System) -> None:
    browser = reader(town)
    code = code_for(loans, browser)
    assert browser.send("DELETE", "/session").status_code == 204
    assert error_of(loans, code=code, **TRADE) == "invalid_grant"


def test_another_system_cannot_use_a_code(town: House, loans: System) -> None:
    thief = System(town)
    code = code_for(loans, reader(town))
    assert error_of(thief, code=code, **TRADE) == "invalid_grant"
    assert loans.post("token_endpoint", code=code, **TRADE).status_code == 200


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"code_verifier": "b" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
    ],
)
def test_a_code_that_was_foisted_on_a_system_is_spent_in_vain(
    town: House, loans: System, other: dict[str, str], error: str
) -> None:
    code = code_for(loans, reader(town))
    assert error_of(loans, code=code, **{**TRADE, **other}) == error
    assert error_of(loans, code=code, **TRADE) == "invalid_grant"


def test_a_system_without_its_secret_gets_nothing(town: House, loans: System) -> None:
    code = code_for(loans, reader(town))
    for secret in ("", "guessed", None):
        answer = loans.known.post(
            loans.metadata["token_endpoint"],
            data={**TRADE, "code": code, "client_id": loans.id, "client_secret": secret},
        )
        assert answer.json()["error"] == "invalid_client"
    assert loans.post("token_endpoint", code=code, **TRADE).status_code == 200


@pytest.mark.parametrize(
    "shown", ["Basic /////w==", "Basic \xe9\xe9\xe9", "Basic abc", "Basic OjpM"]
)
@pytest.mark.parametrize("where", ["token", "introspect", "revoke", "device_authorization"])
def test_a_header_field_that_cannot_be_read_proves_nothing(
    town: House, shown: str, where: str
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "a.b", "token": "a.b"}
    ask = town.app.test_client().post
    answer = ask(f"/oauth2/{where}", data=form, headers={"Authorization": shown})
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_refresh_token_that_is_used_again_ends_the_family(town: House, loans: System) -> None:
    first = loans.sign_on(reader(town))
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = loans.post("token_endpoint", **again).json()
    assert error_of(loans, **again) == "invalid_grant"
    assert error_of(loans, **{**again, "refresh_token": second["refresh_token"]}) == "invalid_grant"
    assert not is_open(loans, second)


@pytest.mark.parametrize("kind", ["code", "refresh_token"])
def test_of_many_who_show_the_same_at_once_one_is_answered_and_nobody_goes_on(
    town: House, loans: System, kind: str
) -> None:
    browser = reader(town)
    form = {**TRADE, "code": code_for(loans, browser)}
    if kind == "refresh_token":
        tokens = loans.post("token_endpoint", **form).json()
        form = {"grant_type": kind, kind: tokens[kind]}
    with ThreadPoolExecutor(4) as at_once:
        asked = [at_once.submit(loans.post, "token_endpoint", **form) for _ in range(4)]
        answers = [one.result() for one in asked]
    (given,) = [one.json() for one in answers if one.status_code == 200]
    assert not is_open(loans, given)


def test_a_made_up_refresh_token_ends_nobody_s_family(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town))
    for guess in ("", ".", "x.y", "." + tokens["refresh_token"].partition(".")[2]):
        wrong = {"grant_type": "refresh_token", "refresh_token": guess}
        assert error_of(loans, **wrong) in ("invalid_grant", "invalid_request")
    assert is_open(loans, tokens)


def test_another_system_cannot_refresh_ask_about_or_give_back(town: House, loans: System) -> None:
    thief, tokens = System(town), loans.sign_on(reader(town))
    stolen = tokens["refresh_token"]
    refreshing = {"grant_type": "refresh_token", "refresh_token": stolen}
    assert error_of(thief, **refreshing) == "invalid_grant"
    assert thief.post("introspection_endpoint", token=stolen).json() == {"active": False}
    assert thief.post("revocation_endpoint", token=stolen).status_code == 400
    assert is_open(loans, tokens)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/signed-on",
        CALLBACK + "/more",
        CALLBACK + "?next=https://evil.example.org",
        CALLBACK.upper(),
        "https://loans.example.org@evil.example.org/signed-on",
        "//evil.example.org",
        'https://loans.example.org/"号"',
        "",
    ],
)
def test_nobody_is_sent_where_the_system_is_not(town: House, loans: System, address: str) -> None:
    browser = reader(town)
    for more in ({}, {"prompt": "none"}, {"response_type": "token"}):
        asked = changed(loans.asks(loans.client()), redirect_uri=address, **more)
        answer = visit(browser, asked)
        assert (answer.status_code, answer.location) == (422, None)


def test_the_page_of_consent_leads_nowhere_else(town: House, loans: System) -> None:
    browser = reader(town)
    page = visit(browser, visit(browser, loans.asks(loans.client())).location)
    for elsewhere in ("https://evil.example.org/oauth2/authorize?a=b", "//evil.example.org", "/a"):
        answer = agree(browser, page, next=elsewhere)
        assert answer.status_code == 422
        assert "Refresh" not in answer.headers


@pytest.mark.parametrize(
    "address", ["http://[", "/oauth2/\nauthorize?a=1", "//oauth2/authorize", ""]
)
def test_the_page_of_consent_reads_addresses_that_are_none(town: House, address: str) -> None:
    asked = reader(town).client.get("/consent", query_string={"next": address})
    assert asked.status_code == 422


def test_every_answer_says_who_gives_it(town: House, loans: System) -> None:
    browser, client = reader(town), loans.client()
    refused = visit(browser, loans.asks(client, prompt="none")).location
    allowed = through(browser, loans.asks(client))
    assert [query_of(answer)["iss"] for answer in (refused, allowed)] == [ISSUER, ISSUER]
    assert loans.metadata["authorization_response_iss_parameter_supported"] is True


def test_consent_is_taken_from_our_own_page_alone(town: House, loans: System) -> None:
    browser, asks = reader(town), loans.asks(loans.client())
    page = visit(browser, visit(browser, asks).location)
    form = {"next": query_of(visit(browser, asks).location)["next"], "answer": "yes"}
    assert browser.client.post("/consent", data=form, headers=SITE).status_code == 403
    forged = browser.client.post("/consent", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 403
    assert agree(browser, page, form_token="made-up").status_code == 403
    assert visit(browser, asks).location.startswith("/consent")


def test_the_page_of_consent_is_shown_in_no_frame(town: House, loans: System) -> None:
    browser = reader(town)
    page = visit(browser, visit(browser, loans.asks(loans.client())).location)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_a_session_that_was_foisted_on_a_reader_stands_for_nobody(
    town: House, loans: System
) -> None:
    person(town, READER)
    attacker, victim = Browser(town), Browser(town)
    for browser in (attacker, victim):
        browser.client.set_cookie("kaijuan", "planted-by-the-attacker")
    assert victim.sign_in(READER, PASSWORD).status_code == 201
    through(victim, loans.asks(loans.client()))
    assert visit(attacker, loans.asks(loans.client())).location.startswith("/sign-in")


def test_the_time_of_a_request_cannot_be_made_up(town: House, loans: System) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    asked = query_of(visit(browser, loans.asks(loans.client(), prompt="login")).location)["next"]
    sealed = query_of(asked)["asked"]
    other = changed(loans.asks(loans.client(), prompt="login"), asked=sealed)
    assert visit(browser, other).location.startswith("/sign-in")
    forged = changed(loans.asks(loans.client(), prompt="login"), asked="AAAA")
    assert visit(browser, forged).location.startswith("/sign-in")


def test_tokens_of_other_algorithms_types_and_keys_are_not_believed(
    town: House, loans: System
) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    public = town.json("/oauth2/jwks")["keys"][0]
    head, body, _signature = tokens["access_token"].split(".")
    said = json.loads(decoded(head))
    forged = [
        f"{encoded({**said, 'alg': 'none'})}.{body}.",
        with_hmac({**said, "alg": "HS256"}, body, json.dumps(public).encode()),
        with_hmac({**said, "alg": "HS256"}, body, RSAKey.import_key(public).as_pem()),
        encode(said, json.loads(decoded(body)), RSAKey.generate_key(2048), ["RS256"]),
        tokens["id_token"],
    ]
    for token in forged:
        assert not is_open(loans, {"access_token": token}), token
    assert is_open(loans, tokens)


def decoded(part: str) -> bytes:
    """A part of a token, as it is read."""
    return base64.urlsafe_b64decode(part + "==")


def encoded(value: dict[str, Any]) -> str:
    """A part of a token, as it is written."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def with_hmac(head: dict[str, Any], body: str, key: bytes) -> str:
    """A token that takes the public key for a secret."""
    signed = f"{encoded(head)}.{body}"
    mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://another.example.org"},
        {"aud": "https://another.example.org"},
        {"exp": 1},
        {"typ": "JWT"},
        {"typ": "logout+jwt"},
        {"sub": "0" * 32},
        {"ver": 0},
    ],
)
def test_what_our_keys_signed_for_something_else_is_not_believed(
    town: House, loans: System, other: dict[str, Any]
) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    said = json.loads(decoded(tokens["access_token"].split(".")[1]))
    ours = open_tokens(town.settings)
    same = ours.sign("at+jwt", ISSUER, said)
    told = {name: value for name, value in other.items() if name != "typ"}
    forged = ours.sign(other.get("typ", "at+jwt"), ISSUER, {**said, **told})
    assert is_open(loans, {"access_token": same})
    assert not is_open(loans, {"access_token": forged})


def test_an_address_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    made = House(tmp_path / "limited", limits="tokens.address=2/60")
    ask = made.app.test_client()
    asked = [
        ask.post("/oauth2/token", environ_base={"REMOTE_ADDR": "203.0.113.7"}) for _ in range(3)
    ]
    made.close()
    assert [one.status_code for one in asked] == [400, 400, 429]
    assert asked[2].json["error"] == "temporarily_unavailable"  # type: ignore[index]
    assert asked[2].headers["Retry-After"]


def test_parameters_that_are_said_twice_are_refused(town: House, loans: System) -> None:
    browser, asks = reader(town), loans.asks(loans.client())
    assert visit(browser, asks + "&scope=phone").status_code == 422
    twice = town.app.test_client().post(
        "/oauth2/token", data={"grant_type": ["refresh_token", "authorization_code"]}
    )
    assert twice.json == {  # type: ignore[comparison-overlap]
        "error": "invalid_request", "error_description": "A parameter is given more than once.",
    }  # fmt: skip


def test_a_suspended_system_or_account_signs_nobody_on(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser)
    headers = {**town.token("administrator"), "If-Match": '"v1"'}
    stopped = town.send("POST", f"/api/v1/clients/{loans.id}/steps", {"step": "suspend"}, headers)
    assert stopped.status_code == 200, stopped.text
    assert not is_open(loans, tokens)
    assert visit(browser, loans.asks(loans.client())).status_code == 422


def test_phone_and_email_are_told_by_their_scope_alone(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid profile reading")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = loans.known.get(loans.metadata["userinfo_endpoint"], headers=bearer).json()
    assert not {"email", "phone_number"} & set(told)
    assert loans.known.get(f"{ISSUER}/api/v1/me", headers=bearer).status_code == 403
