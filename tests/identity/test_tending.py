"""Accounts and tokens from the command line: listed, ended, signed in anew."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from house import House, environ_of
from sqlalchemy import select

from app.cli import main
from app.identity.models import Account, AuditEvent, LibraryCounts
from app.identity.services import homes
from identity.people import Browser, enrol

ME = "/api/v1/me"


def run(tmp_path: Path, *arguments: str) -> Result:
    """A command on the house in this folder."""
    environ = environ_of(tmp_path / "data")
    return CliRunner().invoke(main, [*arguments, "--json"], env=environ)


def said(tmp_path: Path, *arguments: str) -> Any:
    """What a command that went well says."""
    result = run(tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


def status(house: House, token: str) -> int:
    """How a token is answered."""
    return house.client.get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_is_revoked_by_its_short_id_alone(house: House, tmp_path: Path) -> None:
    made = said(tmp_path, "token", "add", "监控", "--role", "operator")
    said(tmp_path, "token", "add", "另一", "--role", "operator")
    line = next(line for line in said(tmp_path, "token", "list") if line["label"] == "监控")
    assert (line["account"], len(line["id"])) == (made["account"], 12)
    assert made["token"] not in str(said(tmp_path, "token", "list"))
    for wrong in ("", "%", line["id"][:4], "0" * 12, "%" * 12):
        assert run(tmp_path, "token", "revoke", wrong).exit_code == 1, wrong
    assert status(house, made["token"]) == 200
    assert run(tmp_path, "token", "revoke", line["id"]).exit_code == 0
    assert status(house, made["token"]) == 401
    assert [left["label"] for left in said(tmp_path, "token", "list")] == ["另一"]


def test_a_disabled_account_is_out_at_once_and_for_good(house: House, tmp_path: Path) -> None:
    made = said(tmp_path, "token", "add", "监控", "--role", "operator")
    person = said(tmp_path, "user", "add", "馆员", "--role", "cataloguer")
    for account in (made["account"], person["account"]):
        assert run(tmp_path, "user", "disable", account).exit_code == 0
        assert run(tmp_path, "user", "link", account).exit_code == 1
    assert status(house, made["token"]) == 401
    link = {"secret": person["link"].partition("#")[2]}
    assert house.send("POST", "/api/v1/session", link).status_code == 401
    assert all(line["closed"] for line in said(tmp_path, "user", "list"))
    assert run(tmp_path, "user", "disable", "nobody").exit_code == 1


def test_a_new_link_takes_the_place_of_the_old(house: House, tmp_path: Path) -> None:
    old = said(tmp_path, "user", "add", "馆员", "--role", "cataloguer")
    new = said(tmp_path, "user", "link", old["account"])
    [line] = said(tmp_path, "user", "list")
    assert (line["name"], line["roles"]) == ("馆员", ["cataloguer@main"])
    for link, expected in ((old, 401), (new, 201)):
        body = {"secret": link["link"].partition("#")[2]}
        assert house.send("POST", "/api/v1/session", body).status_code == expected


@pytest.mark.parametrize("command", [("token", "list"), ("user", "list")])
def test_a_list_is_told_in_words_too(house: House, tmp_path: Path, command: tuple[str]) -> None:
    said(tmp_path, "token", "add", "监控", "--role", "operator")
    environ = environ_of(house.settings.data_dir)
    assert "监控" in CliRunner().invoke(main, list(command), env=environ).stdout


def test_what_commands_do_is_audited_and_counted(house: House, tmp_path: Path) -> None:
    made = said(tmp_path, "user", "add", "馆员", "--role", "librarian")
    with house.database.transaction() as session:
        homes.settle(session, session.get_one(Account, made["account"]), "main", 0)
    said(tmp_path, "user", "link", made["account"])
    for _ in range(2):
        said(tmp_path, "user", "disable", made["account"])
    with house.database.transaction(writes=False) as session:
        wanted = select(AuditEvent.action).order_by(AuditEvent.id)
        assert list(session.scalars(wanted)) == ["role.given", "account.linked", "account.disabled"]
        assert session.scalars(select(LibraryCounts.readers)).all() == [0]
    assert said(tmp_path, "user", "recount") == {"mended": 0}


def test_a_lost_second_factor_is_taken_away_by_who_has_the_machine(
    house: House, tmp_path: Path
) -> None:
    made = said(tmp_path, "user", "add", "馆员", "--role", "librarian", "--handle", "138 0000 1234")
    browser = Browser(house)
    browser.post("/session", secret=made["link"].partition("#")[2])
    assert browser.json("/me")["handles"][0]["mask"] == "138****1234"
    enrol(browser)
    for options, proven in (((), False), (("--reset",), True)):
        link = said(tmp_path, "user", "link", made["account"], *options)["link"]
        me = Browser(house).post("/session", secret=link.partition("#")[2]).json
        assert me["proven"] is proven  # type: ignore[index]


def test_two_accounts_are_not_signed_in_to_by_one_handle(house: House, tmp_path: Path) -> None:
    command = ("user", "add", "馆员", "--role", "librarian", "--email", "wang@example.org")
    assert run(tmp_path, *command).exit_code == 0
    assert run(tmp_path, *command).exit_code == 1
