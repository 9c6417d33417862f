"""Passkeys: registered and shown by a device in software, and every way in which one may lie."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from house import House, environ_of
from sqlalchemy import func, select, update

from app.cli import main
from app.database import now
from app.identity import tasks
from app.identity.models import AuditEvent, Credential, SpentChallenge
from app.identity.services.ceremonies import site_of
from identity.keyring import BE, BS, UP, Keyring, asked, text_of
from identity.people import AWAY, Browser, enrol, link, person

PHONE, OTHER = "13800001234", "13900005678"
MINE = "/me/passkeys"
STAFF = "/libraries/main/staff"


@pytest.fixture
def reader(town: House, browser: Browser) -> Browser:
    """Somebody who signed in by a password a moment ago."""
    person(town, PHONE)
    assert browser.sign_in(PHONE).status_code == 201
    return browser


@pytest.fixture
def keyring(reader: Browser) -> Keyring:
    """With a passkey of theirs."""
    made = Keyring()
    assert made.register(reader, label="手机").status_code == 201
    return made


def age(house: House, back: timedelta) -> None:
    """Every session was begun so long ago."""
    with house.database.transaction() as session:
        session.execute(update(Credential).values(made_at=now() - back))


def actions(house: House) -> list[str]:
    """What was done, the last at the end."""
    with house.database.transaction(writes=False) as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_a_person_signs_in_without_a_name_or_a_password(town: House, keyring: Keyring) -> None:
    fresh = Browser(town)
    answer = keyring.sign_in(fresh)
    assert (answer.status_code, answer.json["name"]) == (201, "王小明")  # type: ignore[index]
    [session, _] = fresh.json("/me/sessions")["items"]
    assert session["methods"] == ["hwk", "mfa", "user"]
    [mine] = fresh.json(MINE)["items"]
    assert (mine["label"], mine["network"], mine["refused"]) == ("手机", "203.0.113.0/24", False)


def test_one_that_is_copied_on_purpose_has_no_counter(town: House, reader: Browser) -> None:
    keyring = Keyring(count=0, step=0)
    keyring.flags |= BE | BS
    assert keyring.register(reader).status_code == 201
    for _ in range(2):
        assert keyring.sign_in(fresh := Browser(town)).status_code == 201
    assert fresh.json(MINE)["items"][0]["synced"] is True
    assert "swk" in fresh.json("/me/sessions")["items"][0]["methods"]


def test_what_is_asked_for_names_nobody(town: House, keyring: Keyring) -> None:
    said = asked(Browser(town))
    assert (said["rpId"], said["userVerification"]) == ("localhost", "required")
    assert said.get("allowCredentials", []) == []


def test_a_device_makes_no_second_one(reader: Browser, keyring: Keyring) -> None:
    options = reader.post(MINE + "/options").json["publicKey"]  # type: ignore[index]
    assert [one["id"] for one in options["excludeCredentials"]] == [text_of(keyring.id)]
    assert options["attestation"] == "none"
    wanted = options["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
    assert keyring.register(reader).status_code == 409


LIES: dict[str, dict[str, Any]] = {
    "wrong origin": {"origin": "https://localhost.example.org"},
    "wrong port": {"origin": "http://localhost:8001"},
    "wrong rp id": {"rp_id": "example.org"},
    "missing user verification": {"flags": UP},
    "missing user": {"flags": 0x04},
    "no challenge of ours": {"challenge": "AAAA"},
    "empty challenge": {"challenge": text_of(bytes(56))},
    "no user handle": {"user_handle": ""},
    "another user handle": {"user_handle": text_of(b"0" * 32)},
    "another key": {"key": Keyring().key},
    "another credential": {"id": b"another"},
}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_signs_in(town: House, keyring: Keyring, lie: str) -> None:
    vars(keyring).update(LIES[lie])
    fresh = Browser(town)
    refused = keyring.sign_in(fresh)
    assert (refused.status_code, fresh.cookie) == (401, ""), refused.text


@pytest.mark.parametrize("lie", list(LIES)[:7])
def test_no_lie_registers(reader: Browser, lie: str) -> None:
    keyring = Keyring(**LIES[lie])
    assert keyring.register(reader).status_code == 401
    assert reader.json(MINE)["items"] == []


def test_an_answer_works_once(town: House, keyring: Keyring) -> None:
    browser = Browser(town)
    answer = keyring.show(asked(browser))
    assert browser.post("/session/passkey", **answer).status_code == 201
    assert browser.post("/session/passkey", **answer).status_code == 401


def test_a_challenge_works_once_even_with_another_answer(town: House, keyring: Keyring) -> None:
    browser = Browser(town)
    options = asked(browser)
    assert browser.post("/session/passkey", **keyring.show(options)).status_code == 201
    assert browser.post("/session/passkey", **keyring.show(options)).status_code == 401
    options = asked(browser)
    keyring.rp_id = "example.org"
    assert browser.post("/session/passkey", **keyring.show(options)).status_code == 401
    keyring.rp_id = None
    assert browser.post("/session/passkey", **keyring.show(options)).status_code == 401


def test_a_challenge_is_one_browsers(town: House, keyring: Keyring) -> None:
    answer = keyring.show(asked(Browser(town)))
    for stranger in (Browser(town), Browser(town, AWAY)):
        asked(stranger)
        assert stranger.post("/session/passkey", **answer).status_code == 401


def test_a_challenge_is_for_one_thing(town: House, reader: Browser, keyring: Keyring) -> None:
    made = reader.post(MINE + "/options").json["publicKey"]  # type: ignore[index]
    shown = keyring.show({"rpId": "localhost", "challenge": made["challenge"]})
    assert reader.post("/session/passkey", **shown).status_code == 401
    other = Keyring(challenge=asked(reader)["challenge"])
    assert other.register(reader).status_code == 401


def test_a_challenge_is_one_accounts(town: House, reader: Browser) -> None:
    person(town, OTHER)
    theirs = reader.post(MINE + "/options").json["publicKey"]  # type: ignore[index]
    assert reader.sign_in(OTHER).status_code == 201
    assert reader.post(MINE, **Keyring().make(theirs)).status_code == 401


def test_a_challenge_ends_after_five_minutes(town: House, keyring: Keyring) -> None:
    browser = Browser(town)
    answer = keyring.show(asked(browser))
    with time_machine.travel(now() + timedelta(minutes=5, seconds=1)):
        assert browser.post("/session/passkey", **answer).status_code == 401
        assert keyring.sign_in(browser).status_code == 201


def test_challenges_are_forgotten_when_they_would_not_be_taken(
    town: House, keyring: Keyring
) -> None:
    def kept() -> int:
        with town.database.transaction(writes=False) as session:
            return session.scalar(select(func.count()).select_from(SpentChallenge)) or 0

    keyring.sign_in(Browser(town))
    tasks.forget(town.adapters)
    assert kept() == 2
    with time_machine.travel(now() + timedelta(minutes=6)):
        tasks.forget(town.adapters)
    assert kept() == 0


def test_a_copied_one_is_refused_from_then_on(town: House, keyring: Keyring) -> None:
    clone = Keyring(id=keyring.id, key=keyring.key, user_handle=keyring.user_handle)
    keyring.count = 5
    assert keyring.sign_in(Browser(town)).status_code == 201
    assert clone.sign_in(Browser(town)).status_code == 401
    assert actions(town)[-1] == "passkey.cloned"
    assert keyring.sign_in(owner := Browser(town)).status_code == 401
    assert owner.sign_in(PHONE).status_code == 201
    assert owner.json(MINE)["items"][0]["refused"] is True


def test_another_accounts_passkey_opens_that_account(town: House, keyring: Keyring) -> None:
    person(town, OTHER)
    other = Browser(town)
    other.sign_in(OTHER)
    mine = keyring.user_handle
    theirs = Keyring()
    theirs.register(other)
    theirs.user_handle = mine
    assert theirs.sign_in(Browser(town)).status_code == 401
    copied = Keyring(id=keyring.id)
    assert copied.register(other).status_code == 409


def test_it_is_a_second_factor_of_who_governs(town: House, browser: Browser) -> None:
    account = person(town, PHONE, role="administrator")
    browser.post("/session", secret=link(town, account))
    keyring = Keyring()
    assert keyring.register(browser).json["proven"] is True  # type: ignore[index]
    by_key, by_password, by_link = Browser(town), Browser(town), Browser(town)
    assert keyring.sign_in(by_key).json["proven"] is True  # type: ignore[index]
    assert by_key.send("GET", STAFF).status_code == 200
    assert by_password.sign_in(PHONE).json["proven"] is False  # type: ignore[index]
    assert by_password.send("GET", STAFF).status_code == 403
    by_link.post("/session", secret=link(town, account))
    assert by_link.json("/me")["proven"] is False, "a link is no way around it"
    age(town, timedelta(hours=13))
    assert by_key.send("GET", STAFF).status_code == 403


def test_a_password_makes_none_for_who_governs(town: House, browser: Browser) -> None:
    person(town, PHONE, role="administrator")
    browser.sign_in(PHONE)
    refused = browser.post(MINE + "/options")
    assert (refused.status_code, refused.json["permission"]) == (403, "link-session")  # type: ignore[index]


def test_it_stands_in_for_the_codes(town: House, reader: Browser) -> None:
    keyring = Keyring()
    keyring.register(reader)
    enrol(reader)
    assert Browser(town).sign_in(PHONE).json["second_factor"] == "asked"  # type: ignore[index]
    fresh = Browser(town)
    fresh.sign_in(PHONE)
    assert fresh.send("GET", "/me").status_code == 401
    assert keyring.sign_in(fresh).json["second_factor"] == "on"  # type: ignore[index]


def test_who_waits_for_the_second_step_makes_none(town: House, reader: Browser) -> None:
    enrol(reader)
    half = Browser(town)
    half.sign_in(PHONE)
    assert half.post(MINE + "/options").status_code == 401


def test_the_last_one_stays_with_who_governs(town: House, browser: Browser) -> None:
    account = person(town, PHONE, role="librarian")
    browser.post("/session", secret=link(town, account))
    first, second = Keyring(), Keyring()
    first.register(browser)
    [mine] = browser.json(MINE)["items"]
    assert browser.send("DELETE", f"{MINE}/{mine['id']}").status_code == 409
    second.register(browser)
    thief = Browser(town)
    thief.sign_in(PHONE)
    assert thief.send("DELETE", f"{MINE}/{mine['id']}").status_code == 403
    assert browser.send("DELETE", f"{MINE}/{mine['id']}").status_code == 204
    assert first.sign_in(Browser(town)).status_code == 401


def test_codes_are_not_taken_off_by_who_governs_with_nothing_else(
    town: House, browser: Browser
) -> None:
    account = person(town, PHONE, role="librarian")
    browser.post("/session", secret=link(town, account))
    device, _ = enrol(browser)
    removal = "/me/second-factor/removal"
    assert browser.post(removal, code=device.code()).status_code == 409
    Keyring().register(browser)
    assert browser.post(removal, code=device.code()).status_code == 204


def test_it_is_renamed_and_removed_by_its_owner_alone(
    town: House, reader: Browser, keyring: Keyring
) -> None:
    [mine] = reader.json(MINE)["items"]
    person(town, OTHER)
    other = Browser(town)
    other.sign_in(OTHER)
    path = f"{MINE}/{mine['id']}"
    for method, body in (("PATCH", {"label": "平板"}), ("DELETE", None)):
        assert other.send(method, path, body).status_code == 404
    assert reader.send("PATCH", path, {"label": "平板"}).status_code == 204
    assert reader.json(MINE)["items"][0]["label"] == "平板"
    assert reader.send("DELETE", path).status_code == 204
    assert keyring.sign_in(Browser(town)).status_code == 401


def test_an_old_session_changes_nothing(town: House, reader: Browser, keyring: Keyring) -> None:
    [mine] = reader.json(MINE)["items"]
    age(town, timedelta(minutes=16))
    assert reader.post(MINE + "/options").status_code == 403
    assert reader.send("DELETE", f"{MINE}/{mine['id']}").status_code == 403


def test_there_are_twenty_at_most(reader: Browser) -> None:
    for _ in range(20):
        assert Keyring().register(reader).status_code == 201
    assert Keyring().register(reader).status_code == 409


def test_the_machine_takes_lost_ones_away(town: House, browser: Browser) -> None:
    account = person(town, PHONE, role="administrator")
    browser.post("/session", secret=link(town, account))
    keyring = Keyring()
    keyring.register(browser)
    environ = environ_of(town.settings.data_dir)
    reset = CliRunner().invoke(main, ["user", "link", account, "--reset"], env=environ)
    assert reset.exit_code == 0, reset.output
    assert keyring.sign_in(Browser(town)).status_code == 401


BROKEN: list[dict[str, Any]] = [
    {},
    {"clientDataJSON": "!!!!"},
    {"clientDataJSON": text_of(b"[]")},
    {"clientDataJSON": text_of(b'{"type": 1, "challenge": 1, "origin": 1}')},
    {"authenticatorData": "AAAA"},
    {"authenticatorData": text_of(bytes(400))},
    {"signature": ""},
    {"userHandle": "\u00ff"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_read_is_refused(
    town: House, keyring: Keyring, broken: dict[str, Any]
) -> None:
    browser = Browser(town)
    answer = keyring.show(asked(browser))
    answer["response"] |= broken or {"signature": text_of(bytes(70))}
    assert browser.post("/session/passkey", **answer).status_code == 401


HOMES = [
    ("https://books.example.org", "books.example.org"),
    ("https://books.example.org:8443", "books.example.org"),
    ("http://localhost:8000", "localhost"),
    ("http://books.example.org", None),
    ("https://192.0.2.7", None),
    ("https://[2001:db8::1]", None),
]


@pytest.mark.parametrize(("public_url", "host"), HOMES)
def test_they_are_at_home_at_the_public_address(public_url: str, host: str | None) -> None:
    found = site_of(public_url, "http://attacker.example.org/")
    assert (found.host, found.origin) == (host, public_url) if found else host is None


def test_without_one_they_are_at_home_on_this_machine_alone() -> None:
    assert site_of(None, "http://localhost:8000/")
    for asked_by in ("http://127.0.0.1:8000/", "http://example.org/", "https://example.org/"):
        assert site_of(None, asked_by) is None


def test_where_they_cannot_be_nobody_is_asked_for_one(tmp_path: Path) -> None:
    house = House(tmp_path / "town", public_url="http://books.example.org")
    assert Browser(house).post("/session/passkey/options").status_code == 409
    house.close()
