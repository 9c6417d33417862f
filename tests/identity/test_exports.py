"""A copy of everything that is kept about a person, for that person alone."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from house import House
from sqlalchemy import select

from app.database import now
from app.identity.handles import normal
from app.identity.models import Card, Export
from app.identity.services import attaching
from app.identity.services.audit import SYSTEM
from identity.people import PASSWORD, Browser, enrol, person

PHONE, OTHER = "13800001234", "13900005678"


def signed_in(house: House, handle: str = PHONE) -> Browser:
    made = Browser(house)
    assert made.sign_in(handle).status_code == 201
    return made


def asked(browser: Browser) -> str:
    """Where the copy is that was made."""
    answer = browser.post("/me/exports")
    assert answer.status_code == 202, answer.text
    browser.house.work()
    return answer.headers["Location"].removeprefix("/api/v1")


@pytest.fixture
def wang(town: House) -> Browser:
    person(town, PHONE)
    return signed_in(town)


def test_everything_that_is_kept_about_a_person_is_given_to_them(wang: Browser) -> None:
    place = asked(wang)
    answer = wang.send("GET", place)
    assert "attachment" in answer.headers["Content-Disposition"]
    copy: Any = answer.json
    assert copy["accounts"][0]["name"] == "王小明"
    assert copy["handles"][0]["value"] == "+8613800001234"
    assert copy["credentials"][0]["methods"] == "pwd"
    assert wang.json("/me/exports")["items"][0]["made_at"]


def test_what_a_library_says_of_ones_card_is_in_it(town: House, wang: Browser) -> None:
    town.network()
    account = wang.json("/me")["account"]
    sealer, card = town.adapters.sealer, normal("G20260001", "north")
    with town.database.transaction() as session:
        attaching.attach(session, sealer, SYSTEM, account, card, verified=True)
        at = {"library_id": "north", "added_at": now(), "changed_at": now()}
        session.add(Card(lookup=card.lookup(sealer), state="suspended", **at))
    copy: Any = wang.send("GET", asked(wang)).json
    assert [(one["library_id"], one["state"]) for one in copy["cards"]] == [("north", "suspended")]


def test_no_secret_and_nobody_else_is_in_it(town: House, wang: Browser) -> None:
    person(town, OTHER)
    device, _ = enrol(wang)
    text = wang.send("GET", asked(wang)).text
    for secret in (OTHER, PASSWORD, "$argon2", wang.cookie, device.code()):
        assert secret not in text
    assert "totp" in text


def test_what_waits_to_be_fetched_cannot_be_read_in_the_database(wang: Browser) -> None:
    asked(wang)
    with wang.house.database.transaction(writes=False) as session:
        kept = session.scalars(select(Export.document)).one()
    assert kept
    assert b"+8613800001234" not in kept


def test_only_its_owner_fetches_it(town: House, wang: Browser) -> None:
    place = asked(wang)
    person(town, OTHER)
    assert signed_in(town, OTHER).send("GET", place).status_code == 404
    assert Browser(town).send("GET", place).status_code == 401
    staff = {"Authorization": f"Bearer {town.secret('token', 'administrator')}"}
    assert Browser(town).send("GET", place, **staff).status_code == 403
    assert Browser(town).send("POST", "/me/exports", **staff).status_code == 403


def test_it_wants_a_person_who_signed_in_a_moment_ago(wang: Browser) -> None:
    place = asked(wang)
    with time_machine.travel(now() + timedelta(minutes=20)):
        assert wang.send("GET", place).status_code == 403
        assert wang.post("/me/exports").status_code == 403
        assert signed_in(wang.house).send("GET", place).status_code == 200


def test_after_a_week_it_is_gone(wang: Browser) -> None:
    place = asked(wang)
    with time_machine.travel(now() + timedelta(days=8)):
        assert signed_in(wang.house).send("GET", place).status_code == 404


def test_asking_again_within_the_hour_is_the_same_copy(wang: Browser) -> None:
    first = asked(wang)
    assert asked(wang) == first
    with time_machine.travel(now() + timedelta(hours=2)):
        again = signed_in(wang.house)
        second = asked(again)
        assert second != first
        assert again.send("GET", first).status_code == 404
        assert again.send("GET", second).status_code == 200
