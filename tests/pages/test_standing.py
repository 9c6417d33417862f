"""Pages of real names, consents and guardians, as a browser without scripts uses them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archives import epub
from house import House
from identity.papers import NAME, number, offering
from identity.people import person, received
from sqlalchemy import update

from app.catalog.models import RecordRow
from app.identity.documents import DOCUMENTS
from app.identity.policies import Rules
from app.identity.services import consents
from app.identity.services.policies import kept
from app.verification.simulator import Simulator

from .test_account import PHONE, fill, sign_in

PARENT = "13900005678"
VERIFY, FAMILY = "/account/verification", "/account/family"


@pytest.fixture
def town(tmp_path: Any) -> Any:
    """A library where names are verified by the simulator."""
    made = House(
        tmp_path / "town", mail_url="memory:", sms_url="memory:", realname_url="simulator:"
    )
    offering(made, Simulator(pause=lambda _: None))
    yield made
    made.close()


def verified(town: House, value: str) -> str:
    """Sends the form with this number; answers the page that comes of it."""
    version = DOCUMENTS["real-name"].version
    form = {"name": NAME, "number": value, "method": "number", "agreed": version}
    answer = fill(town, VERIFY, VERIFY, **form)
    assert answer.status_code == 303, answer.text
    town.work()
    return town.get(answer.location)


def test_a_person_is_verified_without_a_script(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    assert VERIFY in town.get("/account")
    page = verified(town, number())
    assert "已认证" in page
    assert "3 级" in page
    assert number() not in page
    assert fill(town, VERIFY, VERIFY + "/withdraw").location.endswith("done=verification")
    assert "1 级" in town.get(VERIFY)


@pytest.mark.parametrize(
    ("sequence", "words"),
    [("904", "姓名与号码不一致"), ("906", "没有查到"), ("902", "暂时没有回应")],
)
def test_what_came_of_it_is_said_in_words(town: House, sequence: str, words: str) -> None:
    person(town, PHONE)
    sign_in(town)
    page = verified(town, number(sequence=sequence))
    assert words in page
    assert NAME not in page


def test_a_slip_is_told_without_showing_what_was_written(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    slip = number()[:17] + "?"
    form = {"name": NAME, "number": slip, "method": "number", "agreed": "x"}
    answer = fill(town, VERIFY, VERIFY, **form)
    assert answer.location == VERIFY + "?trouble=trouble.number-form"
    page = town.get(answer.location)
    assert "18 位" in page
    assert slip not in page + answer.location


def test_where_nothing_is_offered_the_page_says_so(town: House) -> None:
    offering(town, None)
    person(town, PHONE)
    sign_in(town)
    assert "没有开通在线认证" in town.get(VERIFY)
    assert town.app.test_client().get(VERIFY).location == "/sign-in?next=%2Faccount%2Fverification"


def test_what_would_help_leads_to_the_page(town: House, tmp_path: Path) -> None:
    book = town.book(epub(tmp_path / "a.epub", title="只供实名读者"))
    with town.database.transaction() as session:
        policy = kept(session, Rules(assurance=3), "policy")
        session.execute(update(RecordRow).where(RecordRow.id == book).values(policy=policy))
    person(town, PHONE)
    sign_in(town)
    page = town.client.get(f"/read/{book}", headers={"Accept": "text/html"})
    assert (page.status_code, f'href="{VERIFY}"' in page.text) == (403, True)
    assert f'href="{VERIFY}"' in town.get(f"/books/{book}")


def test_who_did_not_agree_yet_is_asked_at_the_next_sign_in(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(town, PHONE)
    newer = {**DOCUMENTS, "terms": replace(DOCUMENTS["terms"], version="newer")}
    monkeypatch.setattr(consents, "DOCUMENTS", newer)
    monkeypatch.setattr("app.pages.routes.documents.DOCUMENTS", newer)
    answer = sign_in(town, next="/subjects")
    assert answer.location == "/account/consents?next=%2Fsubjects"
    page = town.get(answer.location)
    assert 'name="terms" value="newer"' in page
    assert 'name="privacy"' not in page
    done = fill(town, answer.location, "/account/consents", terms="newer")
    assert done.location == "/subjects"
    assert "请阅读并同意" not in town.get("/account/consents")


def test_nobody_signs_up_by_the_form_without_agreeing(town: House) -> None:
    asked = fill(town, "/sign-up", "/sign-up", handle=PHONE)
    form = {"code": received(town), "name": "小明", "born": "2016"}
    refused = fill(town, asked.location, "/sign-up/confirm", **form)
    assert refused.status_code == 422
    assert "勾选同意" in refused.text
    assert 'value="2016"' in refused.text


def test_a_guardian_consents_and_sets_the_teen_mode_without_a_script(town: House) -> None:
    person(town, PHONE)
    sign_in(town)
    assert fill(town, FAMILY, FAMILY + "/born", born="2020").location.endswith("done=born")
    assert "须由监护人同意" in town.get(FAMILY)
    version = DOCUMENTS["guardian"].version
    asked = fill(town, FAMILY, FAMILY + "/phone", handle=PARENT)
    form = {"code": received(town), "agreed": version}
    done = fill(town, asked.location, FAMILY + "/guardian", **form)
    assert done.location.endswith("done=family-consent")
    assert "139****5678" in town.get(FAMILY)
    mode = fill(town, FAMILY, FAMILY + "/teen-mode", opens="08:00", closes="20:00", minutes="40")
    assert mode.location.endswith("done=family-teen-mode")
    assert "08:00 至 20:00" in town.get(FAMILY)


def test_a_guardian_with_an_account_adds_a_child(town: House) -> None:
    child = person(town, PHONE)
    sign_in(town)
    fill(town, FAMILY, FAMILY + "/born", born="2020")
    shown = fill(town, FAMILY, FAMILY + "/invitation")
    code = re.search(r"<code>([a-z2-7-]{19})</code>", shown.text)
    assert code
    person(town, PARENT)
    sign_in(town, PARENT)
    verified(town, number())
    form = {"invitation": code[1], "agreed": DOCUMENTS["guardian"].version}
    assert fill(town, FAMILY, FAMILY + "/wards", **form).location.endswith("family-consent")
    page = town.get(FAMILY)
    assert f'value="{child}"' in page
    gone = fill(town, FAMILY, FAMILY + "/wards/remove")
    assert gone.location.endswith("family-withdraw")
    assert f'value="{child}"' not in town.get(FAMILY)
