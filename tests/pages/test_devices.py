"""The page of one's devices, as a browser without scripts uses it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House
from identity.keyring import Keyring
from identity.people import Browser, person
from sqlalchemy import update

from app.database import now
from app.identity import accounts
from app.identity.models import Credential
from pages.test_account import PHONE, fill, sign_in

HERE = "/account/devices"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[House]:
    """A library where somebody has just signed in."""
    made = House(tmp_path / "town")
    person(made, PHONE)
    sign_in(made)
    yield made
    made.close()


def age(house: House) -> None:
    """Every session was begun so long ago that it is not fresh."""
    with house.database.transaction() as session:
        session.execute(update(Credential).values(made_at=now() - accounts.FRESH))


def test_strangers_sign_in_first(house: House) -> None:
    answer = house.client.get(HERE)
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Faccount%2Fdevices")


def test_a_device_password_is_made_shown_once_and_revoked(town: House) -> None:
    assert "还没有设备密码" in town.get(HERE)
    made = fill(town, HERE, HERE + "/passwords", label="厨房里的", kosync="yes")
    shown = re.sub("</span><wbr><span>", "", made.text)
    password = re.search(r"(?:[a-z]{4}-){6}[a-z]{4}", shown)
    assert password
    assert "<code>/kosync</code>" in shown
    assert made.headers["Cache-Control"] == "no-store"
    page = town.get(HERE)
    assert ("厨房里的" in page, password[0] in page, "尚未使用" in page) == (True, False, True)
    gone = fill(town, HERE, HERE + "/passwords/revoke")
    assert gone.location == HERE + "?done=device-password-revoked"
    assert "还没有设备密码" in town.get(HERE)


def test_a_password_for_nothing_is_not_made(town: House) -> None:
    refused = fill(town, HERE, HERE + "/passwords", label="厨房里的")
    assert "trouble=" in refused.location
    assert 'role="alert"' in town.get(refused.location)


def test_who_came_long_ago_is_asked_to_sign_in_again(town: House) -> None:
    age(town)
    page = town.get(HERE)
    assert page.count("/sign-in?next=%2Faccount%2Fdevices") == 2
    assert f'action="{HERE}/passwords"' not in page


def test_a_passkey_is_renamed_and_taken_away(town: House) -> None:
    browser = Browser(town)
    browser.client = town.client
    assert Keyring().register(browser, label="手机").status_code == 201
    named = fill(town, HERE, HERE + "/passkeys/name", label="<b>平板</b>")
    assert named.location == HERE + "?done=passkey-renamed"
    assert "&lt;b&gt;平板&lt;/b&gt;" in town.get(HERE)
    gone = fill(town, HERE, HERE + "/passkeys/remove")
    assert "请移除" not in town.get(gone.location)
    assert "还没有通行密钥" in town.get(HERE)


def test_where_passkeys_cannot_be_none_is_offered(tmp_path: Path) -> None:
    house = House(tmp_path / "town", public_url="http://books.example.org")
    assert "passkey-door" not in house.get("/sign-in")
    person(house, PHONE)
    sign_in(house)
    assert "passkey-add" not in house.get(HERE)
    house.close()


def test_other_devices_are_signed_out(town: House) -> None:
    other = Browser(town)
    other.sign_in(PHONE)
    done = fill(town, HERE, HERE + "/sessions")
    assert done.location == HERE + "?done=session"
    assert other.send("GET", "/me").status_code == 401


def test_the_page_changes_nothing_for_another_site(town: House) -> None:
    for path in ("/passwords", "/passwords/revoke", "/passkeys/name", "/passkeys/remove"):
        forged = {"Sec-Fetch-Site": "cross-site"}
        assert town.client.post(HERE + path, headers=forged).status_code == 403
        own = {"Sec-Fetch-Site": "same-origin"}
        assert town.client.post(HERE + path, headers=own).status_code == 403, "no token"


def test_the_page_speaks_english(town: House) -> None:
    assert "Signing in and devices" in town.get(HERE + "?lang=en")
