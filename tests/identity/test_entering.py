"""Signing up, signing in, recovering: what works, and what is tried and refused."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from house import House
from sqlalchemy import func, select, update

from app.database import now
from app.identity import passwords
from app.identity.models import AuditEvent, Code, Handle, Password
from app.jobs.models import Job
from identity.people import AGREED, AWAY, PASSWORD, Browser, person, received

PHONE, MAIL = "13800001234", "wang@example.org"
OTHER = "another password, not common"


def signed_up(browser: Browser, handle: str, **more: Any) -> Any:
    """Whom signing up made."""
    ticket, code = browser.ask("sign-up", handle)
    body = {"ticket": ticket, "code": code, "name": "王小明", "agreed": AGREED, **more}
    answer = browser.post("/accounts", **body)
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.mark.parametrize(("handle", "mask"), [(PHONE, "138****1234"), (MAIL, "w***@example.org")])
def test_a_reader_signs_up_and_comes_back(browser: Browser, handle: str, mask: str) -> None:
    me = signed_up(browser, handle, password=PASSWORD)
    assert (me["name"], me["roles"], me["handles"][0]["mask"]) == ("王小明", [], mask)
    again = Browser(browser.house)
    assert again.sign_in(handle).json["account"] == me["account"]  # type: ignore[index]
    assert again.json("/me")["handles"][0]["verified"]


def test_without_a_password_codes_are_enough(browser: Browser) -> None:
    me = signed_up(browser, PHONE)
    again = Browser(browser.house)
    ticket, code = again.ask("sign-in", "+86 138 0000 1234")
    answer = again.post("/session/code", ticket=ticket, code=code)
    assert answer.json["account"] == me["account"]  # type: ignore[index]


def test_a_reader_may_say_which_library_is_theirs(browser: Browser) -> None:
    browser.house.network()
    assert signed_up(browser, PHONE, library="north-1")["home"] == "north-1"
    ticket, code = browser.ask("sign-up", MAIL)
    body = {"ticket": ticket, "code": code, "name": "李", "library": "nowhere", "agreed": AGREED}
    assert browser.post("/accounts", **body).status_code == 404


def test_of_what_one_signs_in_by_nothing_is_kept_in_the_clear(browser: Browser) -> None:
    signed_up(browser, PHONE, password=PASSWORD)
    with browser.house.database.transaction(writes=False) as session:
        handle = session.scalars(select(Handle)).one()
        jobs = str([job.payload for job in session.scalars(select(Job))])
        events = b"".join(event.detail for event in session.scalars(select(AuditEvent)))
        kept = session.scalars(select(Password.hash)).one()
    everything = repr((handle.lookup, handle.sealed, jobs, events, kept)).encode()
    assert b"13800001234" not in everything
    assert PASSWORD.encode() not in everything


def test_the_job_that_sends_a_code_does_not_know_it(browser: Browser) -> None:
    answer = browser.post("/codes", purpose="sign-up", handle=PHONE)
    with browser.house.database.transaction(writes=False) as session:
        job = session.scalars(select(Job)).one()
        row = session.scalars(select(Code)).one()
    assert job.payload == {"code": answer.json["ticket"]}  # type: ignore[index]
    assert row.digest == ""
    assert received(browser.house)


def test_one_handle_has_one_account(browser: Browser) -> None:
    signed_up(browser, PHONE)
    ticket, code = browser.ask("sign-up", PHONE)
    answer = browser.post("/accounts", ticket=ticket, code=code, name="另一人", agreed=AGREED)
    assert answer.status_code == 409


def test_of_two_who_show_a_code_at_once_one_signs_up(town: House, browser: Browser) -> None:
    ticket, code = browser.ask("sign-up", PHONE)
    body = {"ticket": ticket, "code": code, "name": "王", "agreed": AGREED}

    def show(_: int) -> int:
        return Browser(town).post("/accounts", **body).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(show, range(4)))
    assert answers[0] == 201
    assert set(answers[1:]) <= {409, 422}


@pytest.mark.parametrize("weak", ["12345678", "13800001234", "short"])
def test_a_weak_password_is_refused_by_its_place(browser: Browser, weak: str) -> None:
    ticket, code = browser.ask("sign-up", PHONE)
    body = {"ticket": ticket, "code": code, "name": "王", "password": weak, "agreed": AGREED}
    answer = browser.post("/accounts", **body)
    assert (answer.status_code, answer.json["faults"][0]["place"]) == (422, "password")  # type: ignore[index]


def test_recovering_ends_every_session(town: House, browser: Browser) -> None:
    person(town, PHONE)
    thief = Browser(town, AWAY)
    thief.sign_in(PHONE)
    ticket, code = browser.ask("recover", PHONE)
    answer = browser.post("/recoveries", ticket=ticket, code=code, password=OTHER)
    assert answer.status_code == 201
    assert thief.send("GET", "/me").status_code == 401
    assert browser.json("/me")["name"] == "王小明"
    assert thief.sign_in(PHONE).status_code == 401
    assert thief.sign_in(PHONE, OTHER).status_code == 201


def test_an_older_hash_is_made_anew_when_its_password_is_shown(
    town: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = person(town, PHONE)
    monkeypatch.setattr(passwords, "is_outdated", lambda _: True)
    with town.database.transaction(writes=False) as session:
        before = session.get_one(Password, account).hash
    assert browser.sign_in(PHONE).status_code == 201
    with town.database.transaction(writes=False) as session:
        assert session.get_one(Password, account).hash != before
    assert browser.sign_in(PHONE).status_code == 201


# Attacks: finding out who has an account


def test_an_answer_does_not_say_who_has_an_account(town: House, browser: Browser) -> None:
    person(town, PHONE)
    wrong, unknown = (browser.sign_in(h, "nothing that it is") for h in (PHONE, "13900009999"))
    assert wrong.status_code == unknown.status_code == 401
    assert _without_id(wrong) == _without_id(unknown)
    asked = [browser.post("/codes", purpose="recover", handle=h) for h in (PHONE, "13900009999")]
    assert {a.status_code for a in asked} == {202}
    assert {tuple(sorted(a.json)) for a in asked} == {("seconds", "ticket")}  # type: ignore[arg-type]
    assert len({len(a.json["ticket"]) for a in asked}) == 1  # type: ignore[index]


def _without_id(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name != "instance"}


def test_as_much_is_hashed_and_written_for_nobody(
    town: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(town, PHONE)
    person(town, MAIL, password=None)
    verified: list[str] = []
    real = passwords._hasher.verify
    monkeypatch.setattr(
        passwords._hasher.__class__, "verify",
        lambda _, kept, given: verified.append(kept) or real(kept, given),
    )  # fmt: skip
    for handle in (PHONE, MAIL, "13900009999"):
        with town.database.transaction(writes=False) as session:
            before = session.scalar(select(func.count()).select_from(AuditEvent))
        browser.sign_in(handle, "nothing that it is")
        with town.database.transaction(writes=False) as session:
            after = session.scalar(select(func.count()).select_from(AuditEvent))
        assert (after or 0) - (before or 0) == 1, handle
    parameters = {kept.rpartition("$")[0].rpartition("$")[0] for kept in verified}
    assert (len(verified), len(parameters)) == (3, 1)


def test_asking_for_codes_does_the_same_work_for_nobody(town: House, browser: Browser) -> None:
    person(town, PHONE)
    counts = []
    for handle in (PHONE, "13900009999"):
        browser.post("/codes", purpose="sign-in", handle=handle)
        with town.database.transaction(writes=False) as session:
            rows = [session.scalar(select(func.count()).select_from(t)) for t in (Code, Job)]
        counts.append(rows)
    assert counts == [[1, 1], [2, 2]]
    town.work()
    assert len(town.adapters.sms.sent) == 1, "nobody else is written to"  # type: ignore[attr-defined]


# Attacks on codes


def test_a_code_works_once(browser: Browser) -> None:
    signed_up(browser, PHONE)
    ticket, code = browser.ask("sign-in", PHONE)
    answers = [browser.post("/session/code", ticket=ticket, code=code) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 422]


def test_a_code_cannot_be_guessed(browser: Browser) -> None:
    signed_up(browser, PHONE)
    ticket, code = browser.ask("sign-in", PHONE)
    others = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 6)]
    tried = [browser.post("/session/code", ticket=ticket, code=guess) for guess in others]
    assert {a.status_code for a in tried} == {422}
    assert browser.post("/session/code", ticket=ticket, code=code).status_code == 422


def test_of_several_codes_the_newest_counts(browser: Browser) -> None:
    signed_up(browser, PHONE)
    old, new = browser.ask("sign-in", PHONE), browser.ask("sign-in", PHONE)
    answers = [browser.post("/session/code", ticket=t, code=c) for t, c in (old, new)]
    assert [a.status_code for a in answers] == [422, 201]


def test_a_code_is_for_one_purpose_and_one_ticket(browser: Browser) -> None:
    signed_up(browser, PHONE)
    ticket, code = browser.ask("sign-in", PHONE)
    other, _ = browser.ask("recover", PHONE)
    body = {"code": code, "password": OTHER}
    assert browser.post("/recoveries", ticket=ticket, **body).status_code == 422
    assert browser.post("/recoveries", ticket=other, **body).status_code == 422


def test_a_code_is_too_late_after_ten_minutes(browser: Browser) -> None:
    signed_up(browser, PHONE)
    ticket, code = browser.ask("sign-in", PHONE)
    with browser.house.database.transaction() as session:
        session.execute(update(Code).values(expires_at=now() - timedelta(seconds=1)))
    assert browser.post("/session/code", ticket=ticket, code=code).status_code == 422


def test_a_code_not_yet_sent_is_no_code(browser: Browser) -> None:
    answer = browser.post("/codes", purpose="sign-up", handle=PHONE)
    body = {"ticket": answer.json["ticket"], "name": "王", "agreed": AGREED}  # type: ignore[index]
    for guess in ("000000", "      "):
        assert browser.post("/accounts", code=guess, **body).status_code == 422


# Attacks: shutting an owner out


def test_an_owner_cannot_be_shut_out(town: House) -> None:
    account = person(town, PHONE)
    owner, thief = Browser(town), Browser(town, AWAY)
    assert owner.sign_in(PHONE).status_code == 201
    tried = [thief.sign_in(PHONE, "nothing that it is").status_code for _ in range(12)]
    assert (tried[0], tried[-1]) == (401, 429)
    assert thief.sign_in(PHONE).status_code == 429, "the right one neither, for a while"
    fresh = Browser(town)
    assert fresh.sign_in(PHONE).json["account"] == account, "from elsewhere"  # type: ignore[index]
    owner.address = AWAY
    assert owner.sign_in(PHONE).status_code == 201, "on a device that is known"


def test_attempts_count_although_they_fail(town: House, browser: Browser) -> None:
    answers = [browser.sign_in("13900009999", "nothing that it is") for _ in range(11)]
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"] > "0") == (429, True)


def test_a_device_is_known_to_its_owner_alone(town: House) -> None:
    person(town, PHONE)
    person(town, MAIL)
    thief = Browser(town, AWAY)
    thief.sign_in(MAIL)
    tried = [thief.sign_in(PHONE, "nothing that it is").status_code for _ in range(12)]
    assert tried[-1] == 429


def test_nobody_is_flooded_with_codes(town: House) -> None:
    sent = []
    for number in range(30):
        thief = Browser(town, f"198.51.{number}.9")
        sent.append(thief.post("/codes", purpose="sign-up", handle=PHONE).status_code)
    assert sent.count(202) == 20
