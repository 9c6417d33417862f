"""Children and guardians, and the teen mode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from house import House
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ForbiddenError
from app.identity import tasks
from app.identity.documents import DOCUMENTS
from app.identity.models import AuditEvent
from app.identity.services import minors
from app.identity.services.audit import Actor
from app.signon.services import approvals
from app.verification.simulator import Simulator

from .papers import ask, number, offering
from .people import AGREED, AWAY, Browser, person, received

CHILDS, PARENTS, STRANGERS = "13800001234", "13900005678", "13700009999"
TEXT = DOCUMENTS["guardian"].version
YEAR = now().year - 10


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
def child(town: House) -> Browser:
    """Ten years old at most, by what was said at sign-up."""
    browser = Browser(town, AWAY)
    ticket, code = browser.ask("sign-up", CHILDS)
    body = {"ticket": ticket, "code": code, "name": "小明", "agreed": AGREED, "born": YEAR}
    assert browser.post("/accounts", **body).status_code == 201
    return browser


@pytest.fixture
def parent(town: House) -> Browser:
    """An adult with a verified real name."""
    person(town, PARENTS)
    browser = Browser(town, AWAY)
    browser.sign_in(PARENTS)
    ask(browser, number())
    town.work()
    return browser


def phoned(child: Browser, phone: str) -> dict[str, str]:
    """The ticket and the code that came to a phone."""
    answer = child.post("/me/guardian/codes", phone=phone)
    assert answer.status_code == 202, answer.text
    return {"ticket": answer.json["ticket"], "code": received(child.house)}  # type: ignore[index]


def consents_by_phone(child: Browser, phone: str = PARENTS) -> int:
    """How the consent of who has the phone is answered."""
    body = {**phoned(child, phone), "agreed": TEXT}
    return child.send("PUT", "/me/guardian", body).status_code


def invited(child: Browser) -> dict[str, str]:
    """What a guardian enters."""
    code = child.post("/me/guardian/invitation").json["code"]  # type: ignore[index]
    return {"code": code, "agreed": TEXT}


def test_a_child_can_do_less_until_a_guardian_consents(child: Browser) -> None:
    assert child.json("/me/guardian") == {"minor": True, "child": True, "needed": True}
    assert ask(child, number(f"{YEAR}0601")).status_code == 403
    handles = child.json("/me")["handles"]
    assert child.send("DELETE", f"/me/handles/{handles[0]['id']}").status_code == 403
    assert consents_by_phone(child) == 204
    told = child.json("/me/guardian")
    assert (told.get("needed", False), told["phone"]) == (False, "139****5678")
    assert ask(child, number(f"{YEAR}0601")).status_code == 202


def test_a_child_adds_no_phone_before(child: Browser) -> None:
    answer = child.post("/me/handles/codes", handle=STRANGERS)
    shown = {"ticket": answer.json["ticket"], "code": received(child.house)}  # type: ignore[index]
    assert child.post("/me/handles", **shown).status_code == 403


def test_a_child_lets_no_other_system_know_of_it_before(town: House, child: Browser) -> None:
    account = child.json("/me")["account"]

    def agree(session: Session) -> None:
        approvals.give(session, Actor(account), account, "any system", ["phone"])

    with pytest.raises(ForbiddenError, match="guardian"):
        town.database.run(agree)


def test_the_childs_own_phone_is_no_guardians(child: Browser) -> None:
    assert consents_by_phone(child, CHILDS) == 409
    assert child.json("/me/guardian")["needed"]


def test_a_code_for_one_child_says_nothing_for_another(town: House, child: Browser) -> None:
    person(town, STRANGERS)
    other = Browser(town, AWAY)
    other.sign_in(STRANGERS)
    other.send("PUT", "/me/birth-year", {"year": YEAR})
    body = {**phoned(child, PARENTS), "agreed": TEXT}
    assert other.send("PUT", "/me/guardian", body).status_code == 422
    assert other.json("/me/guardian")["needed"]


def test_consent_is_to_the_text_as_it_is_now(child: Browser) -> None:
    body = {**phoned(child, PARENTS), "agreed": "older"}
    assert child.send("PUT", "/me/guardian", body).status_code == 422


def test_the_guardians_phone_withdraws_and_no_other(child: Browser) -> None:
    consents_by_phone(child)
    strange = child.post("/me/guardian/withdrawal", **phoned(child, STRANGERS))
    assert strange.status_code == 403
    assert child.post("/me/guardian/withdrawal", **phoned(child, PARENTS)).status_code == 204
    assert child.json("/me/guardian")["needed"]
    history = child.json("/me/consents")["items"]
    given = [one for one in history if one["purpose"] == "guardian"]
    assert (len(given), given[0]["by_guardian"]) == (1, True)
    assert given[0]["withdrawn_at"]


def test_a_guardian_with_an_account_consents_and_withdraws(child: Browser, parent: Browser) -> None:
    assert parent.post("/me/wards", **invited(child)).status_code == 201
    (ward,) = parent.json("/me/wards")["items"]
    assert ward["name"] == "小明"
    told = child.json("/me/guardian")
    assert (told["by_account"], told.get("needed", False)) == (True, False)
    assert parent.send("DELETE", f"/me/wards/{ward['account']}").status_code == 204
    assert child.json("/me/guardian")["needed"]
    assert parent.json("/me/wards")["items"] == []


def test_an_invitation_works_once_for_a_day_and_for_adults_who_are_known(
    town: House, child: Browser, parent: Browser
) -> None:
    person(town, STRANGERS)
    stranger = Browser(town, AWAY)
    stranger.sign_in(STRANGERS)
    body = invited(child)
    assert stranger.post("/me/wards", **body).status_code == 403
    assert child.post("/me/wards", **body).status_code == 403
    with time_machine.travel(now() + timedelta(days=1, minutes=1), tick=True):
        assert parent.post("/me/wards", **body).status_code == 422
    assert parent.post("/me/wards", **body).status_code == 201
    assert parent.post("/me/wards", **body).status_code == 422


def test_a_guardian_who_closes_the_account_is_one_no_more(
    town: House, child: Browser, parent: Browser
) -> None:
    parent.post("/me/wards", **invited(child))
    parent.send("PUT", f"/me/wards/{child.json('/me')['account']}/teen-mode", {"minutes": 30})
    parent.post("/me/closing")
    with time_machine.travel(now() + timedelta(days=16), tick=True):
        tasks.forget(town.adapters)
        tasks.forget(town.adapters)
    assert child.json("/me/guardian")["needed"]
    assert child.json("/me/teen-mode")["by_guardian"]


def test_a_child_has_no_other_guardian_before_the_one_it_has_withdraws(
    child: Browser, parent: Browser
) -> None:
    consents_by_phone(child, STRANGERS)
    body = invited(child)
    assert parent.post("/me/wards", **body).status_code == 409
    assert child.json("/me/guardian")["phone"] == "137****9999"
    assert child.post("/me/guardian/withdrawal", **phoned(child, STRANGERS)).status_code == 204
    assert parent.post("/me/wards", **body).status_code == 201


def test_a_guardian_by_phone_goes_on_with_the_account_of_that_phone(
    child: Browser, parent: Browser
) -> None:
    consents_by_phone(child, PARENTS)
    assert parent.post("/me/wards", **invited(child)).status_code == 201
    assert child.json("/me/guardian")["by_account"]


def test_guessing_invitations_is_limited(parent: Browser) -> None:
    guess = {"code": "aaaa-bbbb-cccc-dddd", "agreed": TEXT}
    answers = [parent.post("/me/wards", **guess).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_nobody_is_guardian_of_a_child_that_is_not_theirs(child: Browser, parent: Browser) -> None:
    account = child.json("/me")["account"]
    mode = {"minutes": 30}
    assert parent.send("PUT", f"/me/wards/{account}/teen-mode", mode).status_code == 404
    assert parent.send("DELETE", f"/me/wards/{account}").status_code == 404


def test_whoever_grows_up_needs_no_guardian(child: Browser) -> None:
    with time_machine.travel(now() + timedelta(days=5 * 366), tick=True):
        child.sign_in(CHILDS)
        ticket, code = child.ask("sign-in", CHILDS)
        child.post("/session/code", ticket=ticket, code=code)
        assert not child.json("/me/guardian").get("needed", False)


def test_a_year_in_which_nobody_was_born_is_refused(child: Browser) -> None:
    body = {"year": now().year + 1}
    assert child.send("PUT", "/me/birth-year", body).status_code == 422


def test_a_year_that_is_said_twice_at_once_is_kept_once(town: House) -> None:
    account = person(town, STRANGERS)

    def say(session: Session) -> None:
        minors.state(session, Actor(account), account, YEAR)

    with ThreadPoolExecutor(1) as pool:
        with town.database.transaction() as session:
            say(session)
            second = pool.submit(town.database.run, say)
            time.sleep(0.2)  # for it to come as far as the key
        assert second.result() is None
    with town.database.transaction(writes=False) as session:
        stated = select(AuditEvent.subject).where(AuditEvent.action == "minor.stated")
        assert session.scalars(stated).all() == [f"account:{account}"]


# The teen mode


def test_one_sets_and_ends_ones_own_mode(child: Browser) -> None:
    assert child.json("/me/teen-mode") == {"on": False}
    mode = {"opens": "08:00", "closes": "21:00", "minutes": 40}
    answer = child.send("PUT", "/me/teen-mode", mode)
    assert answer.json == {"on": True, **mode}
    assert child.send("PUT", "/me/teen-mode", {}).json == {"on": False}


@pytest.mark.parametrize(
    "mode", [{"opens": "08:00"}, {"opens": "08:00", "closes": "08:00"}, {"minutes": 1},
             {"opens": "8", "closes": "9"}],
)  # fmt: skip
def test_hours_that_are_none_are_refused(child: Browser, mode: dict[str, Any]) -> None:
    assert child.send("PUT", "/me/teen-mode", mode).status_code == 422


def test_a_guardians_mode_is_not_ended_by_the_child(child: Browser, parent: Browser) -> None:
    parent.post("/me/wards", **invited(child))
    account = child.json("/me")["account"]
    mode = {"minutes": 30}
    assert parent.send("PUT", f"/me/wards/{account}/teen-mode", mode).status_code == 204
    assert child.json("/me/teen-mode")["by_guardian"]
    assert child.send("PUT", "/me/teen-mode", {}).status_code == 403
    assert child.send("PUT", "/me/teen-mode", {"minutes": 600}).status_code == 403
    parent.send("PUT", f"/me/wards/{account}/teen-mode", {})
    assert child.json("/me/teen-mode") == {"on": False}


def test_a_guardian_without_an_account_sets_it_by_phone(child: Browser) -> None:
    consents_by_phone(child)
    strange = {"minutes": 30, **phoned(child, STRANGERS)}
    assert child.send("PUT", "/me/teen-mode", strange).status_code == 403
    own = {"minutes": 30, **phoned(child, PARENTS)}
    assert child.send("PUT", "/me/teen-mode", own).json["by_guardian"]  # type: ignore[index]
    assert child.send("PUT", "/me/teen-mode", {}).status_code == 403
    assert child.send("PUT", "/me/teen-mode", phoned(child, PARENTS)).json == {"on": False}


def opens(child: Browser, book: str) -> str:
    """Why a book does not open; empty when it does."""
    use = child.client.get(f"/api/v1/books/{book}", buffered=True).json["use"]  # type: ignore[index]
    return "" if use["allowed"] else str(use["reason"])


def test_minutes_are_counted_while_one_is_here_and_end_the_day(town: House, child: Browser) -> None:
    book = town.record("开放的书")
    child.send("PUT", "/me/teen-mode", {"minutes": 10})
    start = now().replace(hour=4, minute=0) + timedelta(days=1)
    reasons = []
    for minutes in (0, 6, 12, 18):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=True):
            reasons.append(opens(child, book))
    assert reasons == ["", "", "teen-minutes", "teen-minutes"]
    with time_machine.travel(start + timedelta(days=1), tick=True):
        assert opens(child, book) == ""


def test_hours_hold_for_open_books_too_and_nobody_else_minds(town: House, child: Browser) -> None:
    book = town.record("开放的书")
    child.send("PUT", "/me/teen-mode", {"opens": "08:00", "closes": "21:00"})
    night = now().replace(hour=15, minute=30)
    with time_machine.travel(night, tick=True):
        assert opens(child, book) == "teen-hours"
        assert opens(Browser(town, AWAY), book) == ""
