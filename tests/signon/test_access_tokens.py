"""Calling the API for a reader: as the reader, never as the staff that the reader may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from house import House
from identity.people import PASSWORD, Browser, person
from sqlalchemy import Engine, event, update

from app.database import now
from app.identity.models import Account, Library
from app.permissions import Permission
from app.web.api import Endpoint
from signon.systems import READER, System, reader


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The header of a client that acts for a reader."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def works(town: House, tokens: dict[str, Any]) -> bool:
    """Whether the API takes the token."""
    return town.client.get("/api/v1/search?q=", headers=bearer(tokens)).status_code == 200


def test_a_system_reads_as_its_reader_and_service_tokens_go_on(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    uses = town.client.get("/api/v1/me/uses", headers=bearer(tokens))
    assert works(town, tokens)
    assert uses.status_code == 200, uses.text
    assert town.client.get("/api/v1/search?q=", headers=town.token()).status_code == 200


def test_without_the_scope_reading_the_api_is_closed(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid profile")
    answer = town.client.get("/api/v1/search?q=", headers=bearer(tokens))
    assert (answer.status_code, answer.json["permission"]) == (403, "reading")  # type: ignore[index]


def test_an_access_token_lives_ten_minutes(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    assert tokens["expires_in"] == 600
    with time_machine.travel(now() + timedelta(seconds=570)):  # a busy machine signs on slowly
        assert works(town, tokens)
    with time_machine.travel(now() + timedelta(seconds=601)):
        assert not works(town, tokens)


def test_power_over_others_never_comes_with_a_token(town: House, loans: System) -> None:
    person(town, READER, role="administrator")
    browser = Browser(town)
    browser.sign_in(READER)
    tokens = loans.sign_on(browser, "openid reading")
    for endpoint in endpoints(town):
        if endpoint.permission not in (Permission.PUBLIC, Permission.SIGNED_IN):
            answer = ask(town, endpoint, tokens)
            assert answer.status_code == 403, endpoint.name


def test_a_token_changes_nothing_of_the_account_itself(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    taken = {
        endpoint.name
        for endpoint in endpoints(town)
        if endpoint.permission is Permission.SIGNED_IN
        and "session_of" not in endpoint.view.__code__.co_names  # may be asked for second
        and ask(town, endpoint, tokens).status_code not in (401, 403, 422, 415)
    }
    assert taken <= {
        "catalog.jobs.standing", "reader.uses.index", "reader.uses.give_back",
        "identity.sessions.end",
    }  # fmt: skip


def endpoints(town: House) -> list[Endpoint]:
    """Every endpoint of the API."""
    found = town.app.extensions["kaijuan.endpoints"].values()
    return [one for one in found if one.rule.startswith("/api/")]


def ask(town: House, endpoint: Endpoint, tokens: dict[str, Any]):  # type: ignore[no-untyped-def]
    """What the endpoint answers to a system that acts for a reader."""
    path = "/".join("x" if part.startswith("<") else part for part in endpoint.rule.split("/"))
    headers = {**bearer(tokens), "If-Match": '"v1"'}
    body = None if endpoint.method in ("GET", "DELETE") else {}
    return town.send(endpoint.method, path, body, headers)


@pytest.mark.parametrize("field", ["suspended_at", "closed_at", "closing_at"])
def test_it_fails_with_the_account(town: House, loans: System, field: str) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    with town.database.transaction() as session:
        session.execute(update(Account).values({field: now()}))
    assert not works(town, tokens)


def test_it_fails_with_the_library_whose_system_it_is(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    assert works(town, tokens)
    with town.database.transaction() as session:
        session.execute(update(Library).values(state="suspended"))
    assert not works(town, tokens)


def test_it_fails_when_what_guards_the_account_has_changed(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid reading")
    said = {"old": PASSWORD, "password": "另一个够长的口令"}
    assert browser.send("PUT", "/me/password", said).status_code < 300
    assert not works(town, tokens)


def test_it_fails_when_it_was_given_back(town: House, loans: System) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    loans.post("revocation_endpoint", token=tokens["access_token"])
    assert not works(town, tokens)


def test_it_fails_when_the_reader_has_signed_out(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid reading")
    assert browser.send("DELETE", "/session").status_code == 204
    assert not works(town, tokens)


def test_it_is_known_by_one_statement_however_much_there_is(town: House, loans: System) -> None:
    browser = reader(town)
    tokens = loans.sign_on(browser, "openid reading")
    before = statements(town, tokens)
    for number in range(3):
        loans.sign_on(reader(town, f"another-{number}@example.org"), "openid reading")
        System(town).sign_on(browser, "openid reading")
    assert len(before) == len(statements(town, tokens)) == 1


def statements(town: House, tokens: dict[str, Any]) -> list[str]:
    """What is asked of the database to know the caller of a page that asks for nothing else."""
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    answer = town.client.get("/api/v1/openapi.json", headers=bearer(tokens))
    event.remove(Engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    return [one for one in asked if "authorizations" in one or "accounts" in one]


def test_userinfo_refuses_as_rfc_6750_has_it(town: House, loans: System) -> None:
    address = loans.metadata["userinfo_endpoint"]
    tokens = loans.sign_on(reader(town), "reading")
    nobody = loans.known.get(address)
    wrong = loans.known.get(address, headers={"Authorization": "Bearer a.b.c"})
    less = loans.known.post(address, headers=bearer(tokens))
    assert [one.status_code for one in (nobody, wrong, less)] == [401, 401, 403]
    assert nobody.headers["WWW-Authenticate"] == 'Bearer realm="Kaijuan"'
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in less.headers["WWW-Authenticate"]
