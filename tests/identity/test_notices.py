"""Owners hear of whatever changes how one comes in to their account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from house import House
from sqlalchemy import select

from app.database import now
from app.identity.models import Account, Handle
from app.identity.services import notices
from app.identity.services.notices import Change
from app.jobs.models import Job, State
from app.messaging.ports import Message
from identity.people import HOME, PASSWORD, Browser, enrol, person, received

PHONE, MAIL, OTHER = "13800001234", "wang@example.org", "thief@example.org"
NEXT = "另有一把辛酸泪，谁解其中味"


@pytest.fixture
def owner(town: House, browser: Browser) -> Browser:
    """Who is reached by mail, and signed in a moment ago."""
    person(town, MAIL)
    assert browser.sign_in(MAIL).status_code == 201
    return browser


@pytest.fixture
def caller(town: House, browser: Browser) -> Browser:
    """Who is reached by phone alone."""
    person(town, PHONE)
    assert browser.sign_in(PHONE).status_code == 201
    return browser


def mailed(town: House) -> list[Message]:
    """What came by mail and is no code."""
    town.work()
    return [one for one in town.adapters.mail.sent if "验证码" not in one.subject]  # type: ignore[attr-defined]


def texted(town: House) -> list[Message]:
    """What came by SMS and is no code."""
    town.work()
    return [one for one in town.adapters.sms.sent if "Tell it to nobody" not in one.text]  # type: ignore[attr-defined]


def change_password(browser: Browser) -> None:
    """Sets another."""
    body = {"password": NEXT, "old": PASSWORD}
    assert browser.send("PUT", "/me/password", body).status_code == 200


def add(browser: Browser, handle: str) -> None:
    """Adds a handle."""
    asked = browser.post("/me/handles/codes", handle=handle)
    assert asked.status_code == 202, asked.text
    ticket = asked.json["ticket"]  # type: ignore[index]
    answer = browser.post("/me/handles", ticket=ticket, code=received(browser.house))
    assert answer.status_code == 201, answer.text


def test_another_password_is_told_by_mail(town: House, owner: Browser) -> None:
    change_password(owner)
    [told] = mailed(town)
    assert told.to == MAIL
    assert "密码已更改" in told.text
    assert "203.0.113.0/24" in told.text
    assert HOME not in told.text
    assert not texted(town)


def test_by_sms_where_there_is_no_address(town: House, caller: Browser) -> None:
    change_password(caller)
    [told] = texted(town)
    assert (told.to, "密码已更改" in told.text) == ("+8613800001234", True)


def test_a_device_password_is_told_by_mail_alone(town: House, caller: Browser) -> None:
    assert caller.post("/me/device-passwords", label="x", scopes=["opds"]).status_code == 201
    assert not texted(town)
    add(caller, MAIL)
    assert caller.post("/me/device-passwords", label="y", scopes=["opds"]).status_code == 201
    [told] = mailed(town)
    assert "新建了设备密码" in told.text


def test_of_an_address_that_is_added_the_one_before_is_told(town: House, owner: Browser) -> None:
    add(owner, OTHER)
    [told] = mailed(town)
    assert (told.to, "绑定了新的" in told.text) == (MAIL, True)


def test_who_has_no_address_is_told_of_the_first_by_phone(town: House, caller: Browser) -> None:
    add(caller, OTHER)
    assert [one.to for one in texted(town)] == ["+8613800001234"]
    assert not mailed(town)


def test_who_has_just_signed_up_is_told_nothing(town: House, browser: Browser) -> None:
    person(town, MAIL)
    assert not mailed(town)


def test_an_address_that_nobody_has_shown_to_be_theirs_is_told_nothing(
    town: House, owner: Browser
) -> None:
    with town.database.transaction() as session:
        session.scalars(select(Handle)).one().verified_at = None
    change_password(owner)
    assert not mailed(town)


def test_a_second_factor_and_what_ends_are_told(town: House, owner: Browser) -> None:
    device, _ = enrol(owner)
    assert owner.post("/me/second-factor/removal", code=device.code()).status_code == 204
    add(owner, PHONE)
    [gone] = [one for one in owner.json("/me")["handles"] if one["kind"] == "phone"]
    assert owner.send("DELETE", f"/me/handles/{gone['id']}").status_code == 204
    assert owner.post("/me/closing").status_code == 202
    said = "".join(one.text for one in mailed(town))
    for words in ("开启了两步验证", "关闭了两步验证", "解绑了一个", "申请了注销"):
        assert words in said


def test_who_takes_an_account_over_does_not_choose_who_hears(town: House, owner: Browser) -> None:
    """Both are done before a worker comes by."""
    add(owner, OTHER)
    before = len(mailed(town))
    [mine] = [one for one in owner.json("/me")["handles"] if one["mask"].startswith("w")]
    change_password(owner)
    assert owner.send("DELETE", f"/me/handles/{mine['id']}").status_code == 204
    assert [one.to for one in mailed(town)[before:]] == [MAIL, MAIL]


@pytest.mark.parametrize(("stays", "goes"), [(MAIL, OTHER), (OTHER, MAIL)])
def test_of_two_that_become_one_both_are_told(
    town: House, browser: Browser, stays: str, goes: str
) -> None:
    person(town, OTHER)
    person(town, MAIL)
    browser.sign_in(stays)
    proof = browser.post("/me/merging/password", handle=goes, password=PASSWORD)
    assert browser.post("/me/merging", proof=proof.json["proof"]).status_code == 200  # type: ignore[index]
    assert {one.to for one in mailed(town)} == {MAIL, OTHER}


def test_of_a_recovery_is_told_where_its_code_did_not_come(town: House, caller: Browser) -> None:
    add(caller, MAIL)
    before = len(texted(town))
    stranger = Browser(town)
    ticket, code = stranger.ask("recover", MAIL)
    body = {"ticket": ticket, "code": code, "password": NEXT}
    assert stranger.post("/recoveries", **body).status_code == 201
    [told] = texted(town)[before:]
    assert "已用验证码重设密码" in told.text


def test_an_address_that_a_code_has_come_to_is_told(town: House, browser: Browser) -> None:
    account_id = person(town, MAIL)
    with town.database.transaction() as session:
        session.scalars(select(Handle)).one().verified_at = None
        session.get_one(Account, account_id).assurance = 0
    ticket, code = browser.ask("sign-in", MAIL)
    assert browser.post("/session/code", ticket=ticket, code=code).status_code == 201
    change_password(browser)
    assert [one.to for one in mailed(town)] == [MAIL]
    with town.database.transaction(writes=False) as session:
        assert session.get_one(Account, account_id).assurance == 1


def test_so_many_a_day_and_no_more(town: House, caller: Browser) -> None:
    old = PASSWORD
    for number in range(notices.MOST + 3):
        body = {"password": f"{NEXT}{number}", "old": old}
        assert caller.send("PUT", "/me/password", body).status_code == 200
        old = body["password"]
    assert len(texted(town)) == notices.MOST


def test_the_job_knows_no_address_and_nobody_once_it_is_done(town: House, owner: Browser) -> None:
    change_password(owner)
    with town.database.transaction(writes=False) as session:
        [job] = session.scalars(select(Job).where(Job.kind == notices.JOB))
        assert Change.CHANGED in str(job.payload)
        assert MAIL not in str(job.payload)
        assert HOME not in str(job.payload)
    assert mailed(town)
    with town.database.transaction(writes=False) as session:
        [job] = session.scalars(select(Job).where(Job.kind == notices.JOB))
        assert not job.payload


def test_what_could_not_be_sent_is_forgotten_after_a_week(town: House, owner: Browser) -> None:
    change_password(owner)
    with town.database.transaction() as session:
        [job] = session.scalars(select(Job).where(Job.kind == notices.JOB))
        job.state, job.finished_at = State.FAILED, now()
        notices.purge(session)
        assert session.scalar(select(Job.id).where(Job.kind == notices.JOB))
        job.created_at = now() - notices.KEPT - timedelta(minutes=1)
        session.flush()
        notices.purge(session)
        assert not session.scalar(select(Job.id).where(Job.kind == notices.JOB))
