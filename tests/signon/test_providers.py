"""Looking after a library's identity providers: by its staff over HTTP, by command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from house import House, environ_of
from sqlalchemy import select

from app.cli import main
from app.identity.models import AuditEvent
from app.outgoing.ports import Incoming
from app.signon.models import Provider
from signon.elsewhere import CAS, CLIENT, ISSUER, SECRET, Elsewhere, cas_answer, town

AT = "/api/v1/libraries/north/providers"
BODY = {"protocol": "oidc", "name": "读者认证", "address": ISSUER, "client_id": CLIENT,
        "secret": SECRET, "assurance": 2}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "town")
    yield made
    made.close()


def added(house: House, **more: Any) -> Any:
    staff = house.token("librarian", "north")
    return house.send("POST", AT, {**BODY, **more}, staff)


def test_staff_set_up_the_sign_on_of_their_library(house: House) -> None:
    town(house)
    made = added(house)
    assert made.status_code == 201
    assert made.json["callback"].endswith(f"/sign-in/library/{made.json['id']}")
    shown = house.client.get(made.location, headers=house.token("librarian", "nation"))
    assert shown.json == made.json
    assert SECRET not in shown.text
    with house.database.transaction(writes=False) as session:
        kept = session.scalars(select(Provider.secret)).one()
        events = b"".join(session.scalars(select(AuditEvent.detail)))
    assert SECRET.encode() not in (kept or b"") + events


@pytest.mark.parametrize(
    ("role", "library", "status"),
    [("librarian", "south", 403), ("cataloguer", "north", 403), ("librarian", "north-1", 403)],
)
def test_nobody_else_does(house: House, role: str, library: str, status: int) -> None:
    town(house)
    staff = house.token(role, library)
    assert house.send("POST", AT, BODY, staff).status_code == status
    there = added(house).location
    for method, path in (("GET", ""), ("PUT", "/suspension"), ("POST", "/test")):
        assert house.send(method, there + path, None, staff).status_code == status


def test_a_provider_is_found_at_its_own_library_alone(house: House) -> None:
    town(house)
    made = added(house).json
    staff = house.token("librarian", "nation")
    assert (
        house.send("GET", AT.replace("north", "south") + "/" + made["id"], None, staff).status_code
        == 404
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://idp.example.org"},
        {"address": "https://user@idp.example.org"},
        {"address": ISSUER + "?a=b"},
        {"assurance": 3},
        {"client_id": ""},
        {"name": " "},
        {"protocol": "saml"},
    ],
)
def test_what_cannot_be_right_is_refused(house: House, wrong: dict[str, Any]) -> None:
    town(house)
    assert added(house, **wrong).status_code == 422


def test_the_same_twice_is_a_conflict(house: House) -> None:
    town(house)
    assert added(house).status_code == 201
    assert added(house).status_code == 409


def test_a_provider_is_tried_before_anybody_comes(house: House) -> None:
    web = town(house)
    Elsewhere(web)
    staff = house.token("librarian", "north")
    there = added(house).location + "/test"
    assert house.send("POST", there, None, staff).json["found"][-1] == "1 keys"
    house.open_doors(replace(house.adapters, web=web))  # what it said before is forgotten
    web.answers[ISSUER + "/keys"] = lambda _: Incoming(302, b"", {"location": "https://x"})
    assert house.send("POST", there, None, staff).status_code == 403
    del web.answers[ISSUER + "/keys"]
    assert house.send("POST", there, None, staff).status_code == 503


def test_a_cas_server_is_tried_by_a_ticket_that_it_never_gave(house: House) -> None:
    web = town(house)
    body = {"protocol": "cas", "address": CAS, "client_id": "", "secret": None}
    there = added(house, **body).location + "/test"
    staff = house.token("librarian", "north")
    web.answers[CAS + "/serviceValidate"] = lambda _: cas_answer(
        '<cas:authenticationFailure code="INVALID_TICKET"/>'
    )
    assert house.send("POST", there, None, staff).status_code == 200
    web.answers[CAS + "/serviceValidate"] = lambda _: cas_answer("")
    assert house.send("POST", there, None, staff).status_code == 403


def run(house: House, *arguments: str, given: str = "") -> Any:
    """What a command says, as JSON."""
    environ = {**environ_of(house.settings.data_dir), "KAIJUAN_SECRET_KEYS": "x" * 32}
    done = CliRunner(env=environ).invoke(main, ["provider", *arguments, "--json"], input=given)
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.stdout)


def test_providers_are_looked_after_by_command(house: House) -> None:
    town(house)
    made = run(house, "add", "north", "读者认证", ISSUER, "--client-id", CLIENT, "--secret-stdin",
               given=SECRET + "\n")  # fmt: skip
    assert [one["id"] for one in run(house, "list", "north")] == [made["id"]]
    assert run(house, "show", made["id"])["callback"] == made["callback"]
    assert run(house, "suspend", made["id"])["suspended_at"]
    assert run(house, "suspend", made["id"], "--off")["suspended_at"] is None
    run(house, "secret", made["id"], given="another\n")
    with house.database.transaction(writes=False) as session:
        assert session.scalars(select(Provider.version)).one() == 4
