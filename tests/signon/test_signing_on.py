"""Signing on to a system by OpenID Connect, with a client that others wrote."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from house import House
from identity.people import PASSWORD, SITE, Browser, person

from app.identity import accounts, tree
from app.identity.models import Account
from app.identity.services import homes
from app.signon.schemas import OidcSettings, Scope
from app.signon.services import approvals, keeping
from signon.systems import (
    CALLBACK,
    ISSUER,
    READER,
    System,
    agree,
    changed,
    onwards,
    query_of,
    reader,
    through,
    visit,
)


def test_a_reader_signs_on_with_code_and_pkce(town: House, loans: System) -> None:
    browser, client = reader(town), loans.client("openid profile email")
    back = through(browser, loans.asks(client, nonce="n-0S6"))
    tokens = loans.trade(client, back)
    claims = loans.read(tokens["id_token"], nonce="n-0S6")
    client.token = tokens
    told = client.get(loans.metadata["userinfo_endpoint"]).json()
    assert claims["sub"] == told["sub"] == browser.json("/me")["account"]
    assert claims["amr"] == ["pwd"]
    assert (told["name"], told["email"], told["email_verified"]) == ("王小明", READER, True)
    assert "phone_number" not in told


def test_the_profile_tells_the_home_library_and_how_well_one_is_known(
    town: House, loans: System
) -> None:
    browser, client = reader(town), loans.client("openid profile")
    with town.database.transaction() as session:
        account = session.get_one(Account, browser.json("/me")["account"])
        homes.settle(session, account, tree.default(session).id, 3)
    client.token = loans.trade(client, through(browser, loans.asks(client)))
    told = client.get(loans.metadata["userinfo_endpoint"]).json()
    assert (told["home_library"], told["home_library_name"]) == ("main", "本馆")
    assert told["acr"] == loans.read(client.token["id_token"])["acr"] == "3"


def test_what_is_said_of_the_provider_is_well_formed_and_true(town: House, loans: System) -> None:
    OpenIDProviderMetadata(https(loans.metadata)).validate()
    AuthorizationServerMetadata(https(loans.metadata)).validate()
    assert loans.metadata["issuer"] == ISSUER
    assert town.json("/.well-known/oauth-authorization-server") == loans.metadata
    rules = {rule.rule for rule in town.app.url_map.iter_rules()}
    named = [value for name, value in loans.metadata.items() if name.endswith("_endpoint")]
    assert {urlsplit(address).path for address in named} <= rules


def https(metadata: dict[str, object]) -> dict[str, object]:
    """The same as an installation says it that has its public address."""
    return {
        name: value.replace("http:", "https:") if isinstance(value, str) else value
        for name, value in metadata.items()
    }


def test_who_is_not_signed_in_does_so_first_and_comes_back(town: House, loans: System) -> None:
    person(town, READER)
    browser = Browser(town)
    asked = visit(browser, loans.asks(loans.client()))
    assert asked.location.startswith("/sign-in?next=%2Foauth2%2Fauthorize")
    assert PASSWORD not in asked.location
    signed_in = enter(browser, query_of(asked.location)["next"])
    back = through(browser, onwards(signed_in))
    assert set(query_of(back)) == {"code", "state", "iss"}


def enter(browser: Browser, path: str):  # type: ignore[no-untyped-def]
    """Signs in on the page."""
    page = browser.client.get("/sign-in").text
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"form_token": token, "handle": READER, "password": PASSWORD, "next": path}
    return browser.client.post("/sign-in", data=form, headers=SITE)


def test_consent_is_asked_once(town: House, loans: System) -> None:
    browser, client = reader(town), loans.client()
    page = visit(browser, visit(browser, loans.asks(client)).location)
    assert "馆际互借" in page.text
    assert "loans.example.org" in page.text
    agree(browser, page)
    assert visit(browser, loans.asks(client)).location.startswith("https://loans.example.org/")


def test_more_is_asked_for_anew(town: House, loans: System) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    asked = visit(browser, loans.asks(loans.client("openid profile phone")))
    assert asked.location.startswith("/consent")


def test_other_words_of_consent_are_asked_anew(
    town: House, loans: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    monkeypatch.setattr(approvals, "VERSION", approvals.VERSION + 1)
    asked = visit(browser, loans.asks(loans.client()))
    assert asked.location.startswith("/consent")


def test_who_refuses_sends_the_system_away(town: House, loans: System) -> None:
    browser = reader(town)
    page = visit(browser, visit(browser, loans.asks(loans.client())).location)
    told = query_of(onwards(agree(browser, page, "no")))
    assert (told["error"], told["iss"]) == ("access_denied", ISSUER)
    assert visit(browser, loans.asks(loans.client())).location.startswith("/consent")


def test_a_library_s_own_system_is_not_asked_for_but_phone_and_email_are(town: House) -> None:
    system, browser = System(town, is_trusted=True), reader(town)
    straight = visit(browser, system.asks(system.client("openid profile reading")))
    asked = visit(browser, system.asks(system.client("openid email")))
    assert "code=" in straight.location
    assert asked.location.startswith("/consent")


@pytest.mark.parametrize(
    ("more", "signed_in", "error"),
    [
        ({"prompt": "none"}, False, "login_required"),
        ({"prompt": "none"}, True, "consent_required"),
        ({"prompt": "none login"}, True, "invalid_request"),
        ({"max_age": "soon"}, True, "invalid_request"),
        ({"request": "e30."}, True, "request_not_supported"),
        ({"request_uri": "https://loans.example.org/r"}, True, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, True, "invalid_request"),
        ({"response_type": "token"}, True, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, True, "invalid_request"),
        ({"code_challenge": None}, True, "invalid_request"),
        ({"scope": "everything"}, True, "invalid_scope"),
    ],
)
def test_what_cannot_be_is_said_to_the_system(
    town: House, loans: System, more: dict[str, str | None], signed_in: bool, error: str
) -> None:
    browser = reader(town) if signed_in else Browser(town)
    answer = visit(browser, changed(loans.asks(loans.client()), **more))
    told = query_of(answer.location)
    assert answer.location.startswith("https://loans.example.org/signed-on?")
    assert (told["error"], told["iss"]) == (error, ISSUER)
    assert told["state"]


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
def test_signing_in_again_may_be_asked_for(
    town: House, loans: System, more: dict[str, str]
) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    asked = visit(browser, loans.asks(loans.client(), **more))
    assert asked.location.startswith("/sign-in")
    again = query_of(asked.location)["next"]
    assert visit(browser, again).location.startswith("/sign-in")
    assert "code=" in visit(browser, onwards(enter(browser, again))).location


def test_a_system_that_means_another_person_has_them_sign_in(town: House, loans: System) -> None:
    reader(town)
    hint = loans.sign_on(reader(town, "another@example.org"))["id_token"]
    browser = Browser(town)
    browser.sign_in(READER)
    loans.sign_on(browser)
    url = changed(loans.asks(loans.client()), id_token_hint=hint)
    silent = visit(browser, changed(url, prompt="none"))
    assert query_of(silent.location)["error"] == "login_required"
    again = query_of(visit(browser, url).location)["next"]
    refused = visit(browser, onwards(enter(browser, again)))
    assert query_of(refused.location)["error"] == "login_required"


def test_a_system_that_means_who_is_signed_in_gets_a_code_at_once(
    town: House, loans: System
) -> None:
    browser = reader(town)
    hint = loans.sign_on(browser)["id_token"]
    url = changed(loans.asks(loans.client()), id_token_hint=hint, prompt="none")
    assert "code=" in visit(browser, url).location
    other = System(town)
    wrong = changed(other.asks(other.client()), id_token_hint=hint)
    assert query_of(visit(browser, wrong).location)["error"] == "invalid_request"


def test_consent_may_be_asked_for_again(town: House, loans: System) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    asked = visit(browser, loans.asks(loans.client(), prompt="consent"))
    assert asked.location.startswith("/consent")
    done = agree(browser, visit(browser, asked.location))
    assert "code=" in visit(browser, onwards(done)).location


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site"])
def test_a_request_may_come_as_a_form(town: House, loans: System, site: str) -> None:
    browser = reader(town)
    form = query_of(loans.asks(loans.client()))
    headers = {"Sec-Fetch-Site": site}
    sent = browser.client.post("/oauth2/authorize", data=form, headers=headers)
    assert "code=" in through(browser, sent.location)


def test_an_app_without_a_secret_signs_on_by_pkce(town: House) -> None:
    app, browser = System(town, is_public=True), reader(town)
    tokens = app.sign_on(browser)
    renewed = app.post("token_endpoint", grant_type="refresh_token",
                       refresh_token=tokens["refresh_token"])  # fmt: skip
    assert renewed.status_code == 200
    assert app.read(renewed.json()["id_token"])["sub"] == browser.json("/me")["account"]


def test_refreshing_gives_other_tokens_of_the_same_sign_on(town: House, loans: System) -> None:
    first = loans.sign_on(reader(town))
    second = refresh(loans, first).json()
    before, after = loans.read(first["id_token"]), loans.read(second["id_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert {name: before[name] for name in ("sub", "sid", "auth_time")} == {
        name: after[name] for name in ("sub", "sid", "auth_time")
    }
    assert refresh(loans, second).status_code == 200


def refresh(system: System, tokens: dict[str, str], **more: str):  # type: ignore[no-untyped-def]
    """What a refresh token is traded for."""
    given = {"refresh_token": tokens["refresh_token"], **more}
    return system.post("token_endpoint", grant_type="refresh_token", **given)


def test_a_refreshed_token_may_do_less_and_never_more(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid profile")
    more = refresh(loans, tokens, scope="openid profile phone")
    assert more.json()["error"] == "invalid_scope"


def test_the_end_of_the_session_ends_what_is_not_offline(town: House, loans: System) -> None:
    browser = reader(town)
    bound = loans.sign_on(browser)
    offline = loans.sign_on(browser, "openid offline_access")
    with town.database.transaction() as session:
        accounts.revoke(session, browser.cookie)
    assert refresh(loans, bound).json()["error"] == "invalid_grant"
    assert refresh(loans, offline).status_code == 200


def test_another_password_ends_what_is_offline_too(town: House, loans: System) -> None:
    browser = reader(town)
    offline = loans.sign_on(browser, "openid offline_access")
    said = {"old": PASSWORD, "password": "另一个够长的口令"}
    assert browser.send("PUT", "/me/password", said).status_code < 300
    assert refresh(loans, offline).json()["error"] == "invalid_grant"


def test_what_a_system_may_ask_for_no_longer_ends_with_the_next_refresh(
    town: House, loans: System
) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid email offline_access")
    told = OidcSettings((CALLBACK,), scopes=(Scope.OPENID,))
    with town.database.transaction() as session:
        keeping.edit(session, keeping.COMMAND, loans.id, None, settings=told)
    renewed = refresh(loans, tokens).json()
    assert renewed["scope"] == "openid"
    with town.database.transaction() as session:
        accounts.revoke(session, browser.cookie)
    assert refresh(loans, renewed).json()["error"] == "invalid_grant"


def test_what_was_agreed_to_can_be_taken_back(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid offline_access")
    assert [one["name"] for one in browser.json("/me/approvals")["items"]] == ["馆际互借"]
    assert browser.send("DELETE", f"/me/approvals/{loans.id}").status_code == 204
    assert refresh(loans, tokens).json()["error"] == "invalid_grant"
    assert visit(browser, loans.asks(loans.client())).location.startswith("/consent")


def test_the_page_of_what_was_agreed_to_takes_it_back(town: House, loans: System) -> None:
    browser = reader(town)
    loans.sign_on(browser)
    page = browser.client.get("/account/approvals").text
    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"form_token": token, "system": loans.id}
    done = browser.client.post("/account/approvals", data=form, headers=SITE)
    assert "馆际互借" in page
    assert done.location == "/account/approvals?done=approval"
    assert "馆际互借" not in browser.client.get("/account/approvals").text


def test_a_system_asks_about_its_tokens_and_gives_them_back(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town))
    asked = {"token": tokens["access_token"]}
    before = loans.post("introspection_endpoint", **asked).json()
    assert (before["active"], before["client_id"]) == (True, loans.id)
    assert loans.post("revocation_endpoint", token=tokens["refresh_token"]).status_code == 200
    assert loans.post("introspection_endpoint", **asked).json() == {"active": False}
    assert refresh(loans, tokens).json()["error"] == "invalid_grant"


def test_signing_on_is_in_the_audit_trail_and_no_secret_is(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town))
    headers = {"Authorization": f"Bearer {town.secret('token', 'administrator')}"}
    told = town.get("/api/v1/audit", headers=headers)
    assert "client.signed-on" in told
    assert "approval.given" in told
    assert not any(secret in told for secret in tokens["refresh_token"].split("."))
