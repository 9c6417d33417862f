"""Having one's real name verified: once in the whole network, by a service that may be away."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine
from click.testing import CliRunner
from click.testing import Result as Outcome
from house import KEY, House, environ_of
from sqlalchemy import select

from app.cli import main
from app.database import now
from app.identity import tasks
from app.identity.documents import Purpose
from app.identity.models import (
    Account,
    AuditEvent,
    Consent,
    Identity,
    LibraryCounts,
    Minor,
    Verification,
)
from app.identity.policies import Rules
from app.identity.services import homes, real_names
from app.identity.services.policies import kept
from app.verification.numbers import IdentityNumber
from app.verification.ports import Person, Result
from app.verification.simulator import Simulator

from .network import Person as Staff
from .papers import AGREED, NAME, ask, askings, hurried, number, offering
from .people import AWAY, Browser, person

PHONE, OTHER = "13800001234", "13900005678"
CHILD = f"{now().year - 9}0601"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[House]:
    """A library where names are verified by the simulator."""
    made = House(
        tmp_path / "town", mail_url="memory:", sms_url="memory:", realname_url="simulator:"
    )
    offering(made, Simulator(pause=lambda _: None))
    yield made
    made.close()


@pytest.fixture
def browser(town: House) -> Browser:
    return somebody(town, PHONE)


def somebody(house: House, phone: str, address: str = AWAY) -> Browser:
    """Signed in, with a phone that was reached."""
    account_id = person(house, phone)
    with house.database.transaction() as session:
        account = session.get_one(Account, account_id)
        homes.settle(session, account, None, 1)
    made = Browser(house, address)
    assert made.sign_in(phone).status_code == 201
    return made


def state(browser: Browser) -> tuple[str, str, int]:
    """How it stands: the state, the reason, the level."""
    told = browser.json("/me/verification")
    return told["state"], told.get("reason", ""), told["level"]


def actions(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        wanted = select(AuditEvent.action).where(AuditEvent.action.startswith("real-name."))
        return list(session.scalars(wanted.order_by(AuditEvent.id)))


def test_a_name_is_verified_and_the_number_is_gone(town: House, browser: Browser) -> None:
    answer = ask(browser, number())
    assert (answer.status_code, answer.json["state"]) == (202, "pending")
    town.work()
    told = browser.json("/me/verification")
    assert (told["state"], told["level"], told["method"]) == ("verified", 3, "number")
    assert told["mask"] == number()[0] + "*" * 16 + number()[-1]
    assert askings(town) == [("verified", "", False)]
    assert actions(town) == ["real-name.asked", "real-name.verified"]


def test_what_asks_for_level_three_opens_and_says_where_before(
    town: House, browser: Browser
) -> None:
    with town.database.transaction() as session:
        policy = kept(session, Rules(assurance=3), "policy")
    book = f"/books/{town.record('只供实名读者', policy=policy)}"
    before = browser.client.get("/api/v1" + book).json["use"]
    assert (before["allowed"], before["reason"]) == (False, "assurance")
    ask(browser, number())
    town.work()
    assert browser.client.get("/api/v1" + book).json["use"]["allowed"]


@pytest.mark.parametrize(("sequence", "reason"), [("904", "mismatch"), ("906", "unknown")])
def test_a_refusal_says_why_and_may_be_tried_again(
    town: House, browser: Browser, sequence: str, reason: str
) -> None:
    ask(browser, number(sequence=sequence))
    town.work()
    assert state(browser) == ("refused", reason, 1)
    ask(browser, number())
    town.work()
    assert state(browser) == ("verified", "", 3)


@pytest.mark.parametrize("sequence", ["902", "903", "905", "907"])
def test_a_service_that_is_away_is_asked_for_a_day_and_then_nothing_is_left(
    town: House, browser: Browser, sequence: str
) -> None:
    ask(browser, number(sequence=sequence))
    for _ in range(3):
        hurried(town)
    assert state(browser) == ("pending", "service", 1)
    assert askings(town) == [("pending", "service", True)]
    with time_machine.travel(now() + timedelta(days=1, minutes=1), tick=True):
        hurried(town)
        tasks.forget(town.adapters)
        assert askings(town) == [("failed", "service", False)]


def test_a_service_that_comes_back_is_told_at_last(town: House, browser: Browser) -> None:
    offering(town, Simulator(seed=3, faults=100, pause=lambda _: None))
    ask(browser, number())
    for _ in range(4):
        hurried(town)
    assert state(browser) == ("verified", "", 3)


def test_nothing_is_offered_where_there_is_no_service(town: House) -> None:
    offering(town, None)
    browser = somebody(town, PHONE)
    assert browser.json("/me/verification")["offered"] == []
    assert ask(browser, number()).status_code == 409
    assert askings(town) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [({"number": number()[:17] + ("0" if number()[17] != "0" else "1")}, "number-check"),
     ({"name": "A1"}, "name-form"), ({"agreed": "an old one"}, "consent")],
)  # fmt: skip
def test_a_slip_is_told_before_anything_is_asked_or_counted(
    town: House, browser: Browser, more: dict[str, str], code: str
) -> None:
    for _ in range(9):
        answer = ask(browser, number(), **more)
        assert (answer.status_code, answer.json["faults"][0]["code"]) == (422, code)
    assert ask(browser, number()).status_code == 202


def test_the_carrier_is_asked_about_the_phone_of_the_account(town: House) -> None:
    asked: list[Person] = []

    class Listening(Simulator):
        def verify(self, asking: str, person: Person) -> Result:
            asked.append(person)
            return Result.MATCH

    offering(town, Listening())
    browser = somebody(town, PHONE)
    ask(browser, number(), method="carrier")
    town.work()
    assert [one.phone for one in asked] == ["+86" + PHONE]
    person(town, "wang@example.org")
    other = Browser(town, AWAY)
    other.sign_in("wang@example.org")
    assert ask(other, number(), method="carrier").status_code == 409


def test_one_person_has_one_verified_account(town: House, browser: Browser) -> None:
    ask(browser, number())
    town.work()
    other = somebody(town, OTHER)
    answer = ask(other, number())
    assert answer.json["state"] == "pending"
    town.work()
    told = other.json("/me/verification")
    assert (told["state"], told["reason"], told["level"]) == ("refused", "taken", 1)
    assert not {PHONE[-4:], browser.json("/me")["account"]} & set(str(told).split("'"))
    assert askings(town)[1] == ("refused", "taken", False)


def test_whether_a_person_is_taken_is_told_only_to_who_knows_name_and_number(
    town: House, browser: Browser
) -> None:
    ask(browser, number(sequence="904"))
    with town.database.transaction() as session:
        row = session.scalars(select(Verification)).one()
        lookup = real_names.lookup(town.adapters.sealer, IdentityNumber(number(sequence="904")))
        someone = Account(id="b" * 32, name="x", kind="person", added_at=now())
        session.add(someone)
        session.flush()
        session.add(
            Identity(account_id="b" * 32, lookup=lookup, key_version=1, mask=row.mask,
                     method="number", verified_at=now())
        )  # fmt: skip
    town.work()
    assert state(browser)[:2] == ("refused", "mismatch")


def test_of_accounts_that_are_verified_at_once_one_is(town: House) -> None:
    browsers = [somebody(town, f"1380000{n:04}") for n in range(4)]
    for one in browsers:
        assert ask(one, number()).status_code == 202
    with town.database.transaction(writes=False) as session:
        rows = session.scalars(select(Verification.id)).all()
    known = Person(NAME, IdentityNumber(number()))

    def conclude(asking: str) -> None:
        town.database.run(
            lambda s: real_names.conclude(s, town.adapters.sealer, asking, known, Result.MATCH)
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(conclude, [*rows, *rows]))
    assert sorted(row[:2] for row in askings(town)) == [("refused", "taken")] * 3 + [
        ("verified", "")
    ]
    assert sorted(state(one)[2] for one in browsers) == [1, 1, 1, 3]


def test_a_second_asking_waits_for_the_first(town: House, browser: Browser) -> None:
    assert ask(browser, number()).status_code == 202
    assert ask(browser, number(sequence="125")).status_code == 409
    town.work()
    assert ask(browser, number(sequence="125")).status_code == 409
    assert len(askings(town)) == 1


def test_a_job_that_is_done_again_changes_nothing(town: House, browser: Browser) -> None:
    ask(browser, number())
    with town.database.transaction(writes=False) as session:
        asking = session.scalars(select(Verification.id)).one()
    known = Person(NAME, IdentityNumber(number()))
    for result in (Result.MATCH, Result.MATCH, Result.MISMATCH):
        town.database.run(
            lambda s, r=result: real_names.conclude(s, town.adapters.sealer, asking, known, r)
        )
    town.work()
    assert state(browser) == ("verified", "", 3)
    assert actions(town).count("real-name.verified") == 1


def test_attempts_are_limited_for_an_account_and_for_a_number(town: House) -> None:
    browser, wrong = somebody(town, PHONE), number(sequence="904")
    for _ in range(5):
        assert ask(browser, wrong).status_code == 202
        town.work()
    assert ask(browser, number()).status_code == 429
    other = somebody(town, OTHER)
    assert ask(other, wrong).status_code == 429
    assert ask(other, number()).status_code == 202


def test_a_reader_takes_it_back_and_nothing_is_left(town: House, browser: Browser) -> None:
    ask(browser, number())
    town.work()
    assert browser.send("DELETE", "/me/verification").status_code == 204
    assert state(browser) == ("none", "", 1)
    with town.database.transaction(writes=False) as session:
        assert session.scalars(select(Identity)).all() == []
        wanted = select(Consent).where(Consent.purpose == Purpose.REAL_NAME)
        assert session.scalars(wanted).one().withdrawn_at is not None
    other = somebody(town, OTHER)
    ask(other, number())
    town.work()
    assert state(other) == ("verified", "", 3)


def test_what_is_under_way_can_be_taken_back_too(town: House, browser: Browser) -> None:
    ask(browser, number(sequence="902"))
    town.work()
    assert browser.send("DELETE", "/me/verification").status_code == 204
    assert askings(town) == [("failed", "withdrawn", False)]
    hurried(town)
    assert state(browser) == ("none", "", 1)


def test_taking_it_back_asks_to_have_signed_in_a_moment_ago(town: House, browser: Browser) -> None:
    ask(browser, number())
    town.work()
    with time_machine.travel(now() + timedelta(minutes=20), tick=True):
        assert browser.send("DELETE", "/me/verification").status_code == 403


def test_only_a_session_may_ask(town: House) -> None:
    body = {"method": "number", "name": NAME, "number": number(), "agreed": AGREED}
    answer = town.send("POST", "/api/v1/me/verification", body, town.token())
    assert answer.status_code == 403
    assert town.send("POST", "/api/v1/me/verification", body).status_code == 401


def test_a_repeated_request_leaves_no_hash_of_the_number(town: House, browser: Browser) -> None:
    body = {"method": "number", "name": NAME, "number": number(), "agreed": AGREED}
    key = {"Idempotency_Key": "a key of a test"}
    assert browser.send("POST", "/me/verification", body, **key).status_code == 202
    with town.database.transaction(writes=False) as session:
        kept = session.connection().exec_driver_sql("SELECT count(*) FROM idempotency_answers")
        assert kept.scalar() == 0


# Who is young


def test_a_year_of_birth_is_kept_of_minors_alone(town: House) -> None:
    grown, young = somebody(town, PHONE), somebody(town, OTHER)
    ask(grown, number())
    ask(young, number(f"{now().year - 16}0601"))
    town.work()
    with town.database.transaction(writes=False) as session:
        rows = session.scalars(select(Minor)).all()
        assert [(row.born_year, row.is_verified) for row in rows] == [(now().year - 16, True)]
    with time_machine.travel(now() + timedelta(days=3 * 366), tick=True):
        tasks.forget(town.adapters)
    with town.database.transaction(writes=False) as session:
        assert session.scalars(select(Minor)).all() == []


def test_a_child_waits_for_its_guardian(town: House, browser: Browser) -> None:
    answer = ask(browser, number(CHILD))
    assert (answer.status_code, answer.json["permission"]) == (403, "guardian")
    assert askings(town) == []
    assert browser.json("/me/guardian")["needed"]
    assert ask(browser, number()).status_code == 202
    town.work()
    assert browser.json("/me/guardian") == {"minor": False}


# At the desk


@pytest.fixture
def desk(town: House) -> Staff:
    """Who runs the library of the northern province."""
    town.network()
    return Staff(town, "librarian@north")


def settled(house: House, browser: Browser, home: str) -> str:
    """Gives the reader a home; answers the id."""
    account_id: str = browser.json("/me")["account"]
    with house.database.transaction() as session:
        account = session.get_one(Account, account_id)
        homes.settle(session, account, home, account.assurance)
    return account_id


def test_staff_confirm_at_the_desk_within_their_subtree(
    town: House, browser: Browser, desk: Staff
) -> None:
    account = settled(town, browser, "north-1")
    path = f"readers/{account}/confirmation"
    assert desk.status("PUT", f"south/{path}") == 403
    assert desk.status("PUT", f"north/{path}") == 204
    assert desk.status("PUT", f"north/{path}") == 204
    assert state(browser)[2] == 2
    assert desk.status("DELETE", f"north/{path}") == 204
    assert state(browser)[2] == 1
    assert desk.status("DELETE", f"north/{path}") == 404


def test_a_reader_of_elsewhere_is_confirmed_elsewhere(
    town: House, browser: Browser, desk: Staff
) -> None:
    account = settled(town, browser, "south")
    assert desk.status("PUT", f"north/readers/{account}/confirmation") == 404
    assert desk.status("PUT", f"north/readers/{desk.id}/confirmation") in (403, 404)


def test_staff_take_a_verified_name_away_with_a_reason(
    town: House, browser: Browser, desk: Staff
) -> None:
    account = settled(town, browser, "north")
    ask(browser, number())
    town.work()
    desk.status("PUT", f"north/readers/{account}/confirmation")
    assert state(browser)[2] == 3
    path = f"north/readers/{account}/verification"
    assert desk.status("DELETE", path) == 422
    assert desk.status("DELETE", f"{path}?reason=mistake") == 204
    assert state(browser) == ("none", "", 2)
    assert desk.status("DELETE", f"{path}?reason=mistake") == 404
    with town.database.transaction(writes=False) as session:
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "real-name.revoked")
        ).one()
        assert (event.actor, event.library_id) == (desk.id, "north")
        assert b"mistake" in event.detail


def test_counts_of_verified_readers_follow(town: House, browser: Browser, desk: Staff) -> None:
    account = settled(town, browser, "north")

    def verified() -> int:
        with town.database.transaction(writes=False) as session:
            return session.scalars(
                select(LibraryCounts.verified).where(LibraryCounts.library_id == "north")
            ).one()

    assert verified() == 0
    ask(browser, number())
    town.work()
    assert verified() == 1
    desk.status("DELETE", f"north/readers/{account}/verification?reason=request")
    assert verified() == 0


# For support


def test_support_looks_and_takes_away_without_seeing_a_number(
    town: House, browser: Browser
) -> None:
    ask(browser, number())
    town.work()
    account = browser.json("/me")["account"]
    shown = said(town, "show", account)
    assert (shown["state"], shown["level"], shown["mask"][1:-1]) == ("verified", 3, "*" * 16)
    assert said(town, "count") == {"verified": 1}
    said(town, "revoke", account, "--reason", "fraud")
    assert state(browser) == ("none", "", 1)
    assert command(town, "revoke", account, "--reason", "fraud").exit_code == 1
    assert command(town, "show", "nobody").exit_code == 1


def command(house: House, *arguments: str) -> Outcome:
    environ = {**environ_of(house.settings.data_dir), "KAIJUAN_SECRET_KEYS": KEY}
    given = ["user", "verification", *arguments, "--json"]
    return CliRunner().invoke(main, given, env=environ)


def said(house: House, *arguments: str) -> Any:
    done = command(house, *arguments)
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.stdout)
