"""KOReader's sync protocol, as far as accounts go."""

from hashlib import md5
from pathlib import Path

import pytest
from house import House

from identity.people import Browser, person

PHONE = "13800001234"
ACCEPT = {"Accept": "application/vnd.koreader.v1+json"}


def test_nobody_registers_there(town: House) -> None:
    answer = town.client.post(
        "/kosync/users/create", json={"username": "a", "password": "0" * 32}, headers=ACCEPT
    )
    assert (answer.status_code, answer.content_type) == (402, "application/json")
    assert answer.json["code"] == 2005  # type: ignore[index]
    assert "/account/devices" in answer.json["message"]  # type: ignore[index]


def test_it_says_where_under_the_public_address(tmp_path: Path) -> None:
    house = House(tmp_path / "town", public_url="https://books.example.org")
    said = house.client.post("/kosync/users/create").json
    assert "https://books.example.org/account/devices" in said["message"]  # type: ignore[index]
    house.close()


def test_a_device_is_authorized_by_the_md5_of_what_was_typed(town: House) -> None:
    person(town, PHONE)
    browser = Browser(town)
    browser.sign_in(PHONE)
    made = browser.post("/me/device-passwords", label="一", scopes=["kosync"]).json
    for typed in (made["password"], made["password"].replace("-", "")):  # type: ignore[index]
        key = md5(typed.encode(), usedforsecurity=False).hexdigest()
        headers = {"x-auth-user": made["login"], "x-auth-key": key, **ACCEPT}  # type: ignore[index]
        answer = town.client.get("/kosync/users/auth", headers=headers)
        assert (answer.status_code, answer.json) == (200, {"authorized": "OK"})


@pytest.mark.parametrize("headers", [{}, {"x-auth-user": "a"}, {"x-auth-key": ""},
                                     {"x-auth-user": "\xff", "x-auth-key": "\xff"}])  # fmt: skip
def test_everybody_else_is_told_so_in_its_own_form(town: House, headers: dict[str, str]) -> None:
    answer = town.client.get("/kosync/users/auth", headers={**headers, **ACCEPT})
    assert (answer.status_code, answer.content_type) == (401, "application/json")
    assert answer.json == {"code": 2001, "message": "Unauthorized"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_session_or_a_token_is_no_device(town: House) -> None:
    person(town, PHONE)
    browser = Browser(town)
    browser.sign_in(PHONE)
    assert browser.client.get("/kosync/users/auth").status_code == 401
    assert town.client.get("/kosync/users/auth", headers=town.token()).status_code == 401


def test_who_is_counted_is_told_in_its_own_form(tmp_path: Path) -> None:
    house = House(tmp_path / "town", limits="devices.account=1/60")
    answer = [house.client.get("/kosync/users/auth", headers=ACCEPT) for _ in range(3)][-1]
    assert answer.status_code == 429
    assert set(answer.json) == {"code", "message"}  # type: ignore[arg-type]
    assert answer.headers["Retry-After"]
    house.close()
