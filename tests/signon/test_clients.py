"""Looking after the systems that people sign on to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from house import House, environ_of

from app.cli import main
from app.signon.addresses import is_below
from app.signon.services import clients

CLIENTS = "/api/v1/clients"
OIDC = {"redirect_uris": ["https://loans.example.org/signed-on"]}
CAS = {"services": ["https://old.example.org/loans"]}


@pytest.fixture
def net(town: House) -> House:
    """Two provinces, and a city in the first."""
    town.network()
    return town


def headers(house: House, library: str = "nation", role: str = "librarian") -> dict[str, str]:
    """Of the staff of a library, with a second factor shown."""
    return house.token(role, library)


def add(house: House, by: dict[str, str], status: int = 201, **body: Any) -> Any:
    """Registers a system."""
    said = {"library": "north", "name": "馆际互借", "oidc": OIDC, **body}
    answer = house.send("POST", CLIENTS, said, by)
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_library_registers_a_system_and_sees_its_secret_once(net: House) -> None:
    by = headers(net, "north")
    made = add(net, by)
    shown = net.json(f"{CLIENTS}/{made['id']}", headers=by)
    assert len(made["secret"]) == 43
    assert "secret" not in shown
    assert shown["oidc"]["scopes"] == ["openid", "profile"]


def test_an_app_that_keeps_no_secret_has_none(net: House) -> None:
    made = add(net, headers(net, "north"), public=True)
    assert (made["public"], made.get("secret")) == (True, None)


def test_it_is_its_library_s_and_of_those_above(net: House) -> None:
    made = add(net, headers(net, "north"))
    address = f"{CLIENTS}/{made['id']}"
    may = {"north": 200, "nation": 200, "south": 404, "north-1": 404}
    found = {name: net.client.get(address, headers=headers(net, name)).status_code for name in may}
    assert found == may


@pytest.mark.parametrize("way", ["edit", "secret", "steps"])
def test_nobody_changes_a_system_outside_their_subtree(net: House, way: str) -> None:
    made = add(net, headers(net, "north"))
    by = {**headers(net, "south"), "If-Match": '"v1"'}
    method, path, body = {
        "edit": ("PATCH", "", {"name": "别的"}),
        "secret": ("POST", "/secret", None),
        "steps": ("POST", "/steps", {"step": "suspend"}),
    }[way]
    answer = net.send(method, f"{CLIENTS}/{made['id']}{path}", body, by)
    assert answer.status_code == 404


def test_nobody_registers_a_system_for_another_library(net: House) -> None:
    add(net, headers(net, "south"), 403)
    add(net, headers(net, "north", "cataloguer"), 403)


def test_the_list_is_cut_to_the_subtree_and_goes_on(net: House) -> None:
    nation = headers(net)
    made = [add(net, nation, library=name)["id"] for name in ("north", "south", "north-1")]
    seen = net.json(CLIENTS, headers=headers(net, "north"))["items"]
    below = net.json(f"{CLIENTS}?library=north&limit=1", headers=nation)
    rest = net.json(f"{CLIENTS}?library=north&limit=1&cursor={below['next']}", headers=nation)
    assert [one["id"] for one in seen] == [made[0], made[2]]
    assert [one["id"] for one in below["items"] + rest["items"]] == [made[0], made[2]]
    assert rest["next"] is None


def test_a_change_names_the_version_it_was_made_on(net: House) -> None:
    by = headers(net, "north")
    address = f"{CLIENTS}/{add(net, by)['id']}"
    said = {"name": "馆际互借与文献传递"}
    assert net.send("PATCH", address, said, by).status_code == 428
    assert net.send("PATCH", address, said, {**by, "If-Match": '"v7"'}).status_code == 412
    done = net.send("PATCH", address, said, {**by, "If-Match": '"v1"'})
    assert (done.status_code, done.headers["ETag"]) == (200, '"v2"')


def test_another_secret_ends_the_one_before(net: House) -> None:
    by = headers(net, "north")
    made = add(net, by)
    address = f"{CLIENTS}/{made['id']}/secret"
    other = net.send("POST", address, None, {**by, "If-Match": '"v1"'}).json
    with net.database.transaction(writes=False) as session:
        known = clients.oidc(session, made["id"])
    assert known is not None
    assert known.has_secret(other["secret"])  # type: ignore[index]
    assert not known.has_secret(made["secret"])


def test_who_is_trusted_unasked_is_not_for_the_library_to_say(net: House) -> None:
    trusted = {**OIDC, "is_trusted": True}
    librarian, administrator = headers(net, "north"), headers(net, "nation", "administrator")
    add(net, librarian, 403, oidc=trusted)
    made = add(net, administrator, oidc=trusted)
    by = {**librarian, "If-Match": '"v1"'}
    moved = {"oidc": {"redirect_uris": ["https://evil.example.org/"]}}
    assert net.send("PATCH", f"{CLIENTS}/{made['id']}", moved, by).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "http://loans.example.org/",
        "https://*.example.org/",
        "https://loans.example.org/#here",
        "https://user@loans.example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/signed-on",
        "https://",
        "myapp://signed-on",
    ],
)
def test_addresses_that_cannot_be_trusted_are_refused(net: House, address: str) -> None:
    add(net, headers(net, "north"), 422, oidc={"redirect_uris": [address]})


@pytest.mark.parametrize(
    "address", ["https://a.example.org/b?c=d", "http://127.0.0.1:7777/", "org.example.app:/back"]
)
def test_addresses_of_sites_apps_and_this_machine_are_taken(net: House, address: str) -> None:
    add(net, headers(net, "north"), oidc={"redirect_uris": [address]})


@pytest.mark.parametrize(
    ("address", "belongs"),
    [
        ("https://old.example.org/loans", True),
        ("https://old.example.org:443/loans/a?b=c", True),
        ("https://old.example.org/loansharks", False),
        ("https://old.example.org/loans/../other", False),
        ("https://old.example.org/loans/%2e%2e/other", False),
        ("https://old.example.org.evil.org/loans", False),
        ("https://old.example.org@evil.org/loans", False),
        ("http://old.example.org/loans", False),
        ("https://old.example.org:8443/loans", False),
        ("https://old.example.org\\@evil.org/loans", False),
    ],
)
def test_a_service_is_where_it_says_and_below(address: str, belongs: bool) -> None:
    assert is_below(address, CAS["services"][0]) is belongs


def test_a_service_is_found_by_its_address_until_it_is_suspended(net: House) -> None:
    by = headers(net, "north")
    made = add(net, by, oidc=None, cas=CAS)

    def found() -> str | None:
        with net.database.transaction(writes=False) as session:
            known = clients.of_service(session, "https://old.example.org/loans/list?page=2")
        return known.id if known else None

    assert found() == made["id"]
    stop = {**by, "If-Match": '"v1"'}
    net.send("POST", f"{CLIENTS}/{made['id']}/steps", {"step": "suspend"}, stop)
    assert found() is None


def test_nobody_takes_the_address_of_another_library_s_service(net: House) -> None:
    add(net, headers(net, "north"), oidc=None, cas=CAS)
    below = {"services": ["https://old.example.org/loans/inner"]}
    add(net, headers(net, "south"), 409, library="south", oidc=None, cas=below)
    add(net, headers(net, "north"), oidc=None, cas=below)


def test_one_protocol_is_named(net: House) -> None:
    by = headers(net, "north")
    add(net, by, 422, oidc=None)
    add(net, by, 422, cas=CAS)
    made = add(net, by)
    wrong = net.send("PATCH", f"{CLIENTS}/{made['id']}", {"cas": CAS}, {**by, "If-Match": '"v1"'})
    assert wrong.status_code == 422


def test_systems_of_a_suspended_library_stop(net: House) -> None:
    made = add(net, headers(net, "north"))
    administrator = headers(net, "nation", "administrator")
    step = {"step": "suspend", "reason": "整改"}
    done = net.send("POST", "/api/v1/libraries/north/steps", step, administrator)
    assert done.status_code == 200, done.text
    with net.database.transaction(writes=False) as session:
        assert clients.oidc(session, made["id"]) is None


def test_what_happens_to_a_system_is_audited_without_its_secret(net: House) -> None:
    by = headers(net, "north")
    made = add(net, by)
    net.send("POST", f"{CLIENTS}/{made['id']}/secret", None, {**by, "If-Match": '"v1"'})
    told = net.get("/api/v1/audit", headers=headers(net, "nation", "administrator"))
    assert "client.added" in told
    assert "client.secret-changed" in told
    assert made["secret"] not in told


def test_the_command_adds_lists_and_suspends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, town: House
) -> None:
    for name, value in environ_of(town.settings.data_dir).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "loans.json"
    file.write_text(json.dumps(OIDC))
    made = run("client", "add", "馆际互借", str(file))
    assert made["secret"]
    assert [one["id"] for one in run("client", "list")] == [made["id"]]
    assert run("client", "secret", made["id"])["secret"] != made["secret"]
    assert run("client", "edit", made["id"], "--name", "互借")["name"] == "互借"
    assert run("client", "suspend", made["id"])["suspended"]
    assert run("client", "show", made["id"])["settings"]["redirect_uris"] == OIDC["redirect_uris"]


def run(*arguments: str) -> Any:
    """What a command answers."""
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)
