"""Sessions: begun anew, seen, ended; and what is tried with them and refused."""

from datetime import timedelta

import pytest
from house import House
from sqlalchemy import update

from app.database import now
from app.identity import accounts
from app.identity.models import Account, Credential
from app.identity.routes.visits import device_of
from app.identity.services import closing
from identity.people import AWAY, PASSWORD, Browser, enrol, link, person

PHONE, MAIL = "13800001234", "wang@example.org"
OTHER = "another password, not common"


def signed_in(house: House, address: str = "203.0.113.7") -> Browser:
    """A browser with a session."""
    made = Browser(house, address)
    assert made.sign_in(PHONE).status_code == 201
    return made


def test_a_person_sees_and_ends_sessions(town: House) -> None:
    person(town, PHONE)
    phone, tablet, old = signed_in(town), signed_in(town, AWAY), signed_in(town)
    seen = phone.json("/me/sessions")["items"]
    assert [one["current"] for one in seen].count(True) == 1
    assert {one["network"] for one in seen} == {"203.0.113.0/24", "198.51.100.0/24"}
    away = next(one["id"] for one in seen if one["network"].startswith("198"))
    assert phone.send("DELETE", f"/me/sessions/{away}").status_code == 204
    assert tablet.send("GET", "/me").status_code == 401
    assert old.send("GET", "/me").status_code == 200
    assert phone.send("DELETE", "/me/sessions").status_code == 204
    assert old.send("GET", "/me").status_code == 401
    assert phone.send("GET", "/me").status_code == 200


def test_nobody_ends_what_is_anothers(town: House) -> None:
    person(town, PHONE)
    person(town, MAIL)
    mine, other = signed_in(town), Browser(town)
    other.sign_in(MAIL)
    (seen,) = mine.json("/me/sessions")["items"]
    assert other.send("DELETE", f"/me/sessions/{seen['id']}").status_code == 404
    assert mine.send("GET", "/me").status_code == 200


def test_a_session_that_was_foisted_on_somebody_is_not_theirs(town: House) -> None:
    person(town, PHONE)
    person(town, MAIL)
    thief = Browser(town)
    thief.sign_in(MAIL)
    victim = Browser(town)
    victim.client.set_cookie("kaijuan", thief.cookie)
    victim.sign_in(PHONE)
    assert victim.cookie != thief.cookie
    assert thief.send("GET", "/me").status_code == 401, "it ended, and never was the victim's"
    made_up = Browser(town)
    made_up.client.set_cookie("kaijuan", "made-up-by-somebody-else")
    made_up.sign_in(PHONE)
    assert made_up.cookie not in ("made-up-by-somebody-else", victim.cookie)


def test_changing_the_password_ends_the_others_and_turns_this_one_over(town: House) -> None:
    person(town, PHONE)
    mine, other = signed_in(town), signed_in(town)
    before = mine.cookie
    body = {"old": PASSWORD, "password": OTHER}
    assert mine.send("PUT", "/me/password", body).status_code == 200
    assert other.send("GET", "/me").status_code == 401
    assert mine.send("GET", "/me").status_code == 200
    stolen = Browser(town)
    stolen.client.set_cookie("kaijuan", before)
    assert stolen.send("GET", "/me").status_code == 401


def test_the_old_password_is_asked_for_and_guesses_count(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    wrong = {"old": "nothing that it is", "password": OTHER}
    tried = [mine.send("PUT", "/me/password", wrong).status_code for _ in range(11)]
    assert (tried[0], tried[-1]) == (422, 429)


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_ends_by_its_age_and_by_idleness(town: House, column: str) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    when = {"expires_at": now(), "seen_at": now() - accounts.IDLE}[column]
    with town.database.transaction() as session:
        session.execute(update(Credential).values({column: when}))
    assert mine.send("GET", "/me").status_code == 401


def test_use_is_noted_now_and_then_only(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)

    def seen(back: timedelta) -> timedelta:
        with town.database.transaction() as session:
            session.execute(update(Credential).values(seen_at=now() - back))
        mine.send("GET", "/me").close()
        with town.database.transaction(writes=False) as session:
            row = session.query(Credential).one()
            assert row.seen_at
            return now() - row.seen_at

    assert seen(timedelta(minutes=4)) > timedelta(minutes=3)
    assert seen(timedelta(minutes=6)) < timedelta(minutes=1)


def test_a_handle_is_added_by_its_code_and_the_last_one_stays(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    answer = mine.post("/me/handles/codes", handle=MAIL)
    ticket = answer.json["ticket"]  # type: ignore[index]
    town.work()
    code = town.adapters.mail.sent[-1].text  # type: ignore[attr-defined]
    digits = code[code.index("验证码 ") + 4 :][:6]
    added = mine.post("/me/handles", ticket=ticket, code=digits)
    assert [one["kind"] for one in added.json["handles"]] == ["phone", "email"]  # type: ignore[index]
    phone, mail = (one["id"] for one in mine.json("/me")["handles"])
    assert mine.send("DELETE", f"/me/handles/{phone}").status_code == 204
    assert mine.send("DELETE", f"/me/handles/{mail}").status_code == 409
    assert Browser(town).sign_in(MAIL).status_code == 201
    assert Browser(town).sign_in(PHONE).status_code == 401


def test_a_code_to_add_a_handle_is_its_askers(town: House) -> None:
    person(town, PHONE)
    person(town, MAIL)
    mine, other = signed_in(town), Browser(town)
    other.sign_in(MAIL)
    answer = mine.post("/me/handles/codes", handle="13900001111")
    town.work()
    text = town.adapters.sms.sent[-1].text  # type: ignore[attr-defined]
    code = text[text.index("验证码 ") + 4 :][:6]
    stolen = other.post("/me/handles", ticket=answer.json["ticket"], code=code)  # type: ignore[index]
    assert stolen.status_code == 422


def test_what_guards_an_account_is_changed_by_who_came_a_moment_ago(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    handle = mine.json("/me")["handles"][0]["id"]
    with town.database.transaction() as session:
        session.execute(update(Credential).values(made_at=now() - accounts.FRESH))
    for method, path in (
        ("POST", "/me/second-factor"), ("POST", "/me/closing"), ("DELETE", f"/me/handles/{handle}"),
    ):  # fmt: skip
        answer = mine.send(method, path)
        assert (answer.status_code, answer.json["permission"]) == (403, "fresh-session"), path  # type: ignore[index]


def test_an_account_is_closed_after_a_time_to_think_again(town: House) -> None:
    account = person(town, PHONE)
    mine = signed_in(town)
    assert mine.post("/me/closing").status_code == 202
    assert mine.send("GET", "/me").status_code == 401
    assert closing.close_due(town.database) == 0
    again = signed_in(town)
    assert again.json("/me")["closing_at"] is None, "signing in took it back"
    again.post("/me/closing")
    with town.database.transaction() as session:
        session.execute(update(Account).values(closing_at=now()))
    assert closing.close_due(town.database) == 1
    assert Browser(town).sign_in(PHONE).status_code == 401
    with town.database.transaction(writes=False) as session:
        row = session.get_one(Account, account)
        assert (row.name, row.closed_at is not None, row.closing_at) == ("", True, None)


def test_who_has_roles_hands_them_over_before_closing(town: House) -> None:
    person(town, PHONE, role="cataloguer")
    assert signed_in(town).post("/me/closing").status_code == 409


def test_a_suspended_account_keeps_its_reader_and_loses_its_roles(town: House) -> None:
    account = person(town, PHONE, role="cataloguer")
    mine = signed_in(town)
    with town.database.transaction() as session:
        session.get_one(Account, account).suspended_at = now()
    assert mine.json("/me")["roles"] == []


def test_tokens_do_not_change_what_guards_an_account(town: House) -> None:
    token = town.token("cataloguer")
    answer = town.send("PUT", "/api/v1/me/password", {"password": OTHER}, token)
    assert (answer.status_code, answer.json["permission"]) == (403, "session")  # type: ignore[index]


def test_another_site_cannot_sign_anybody_out_or_change_a_password(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    foreign = {"Sec_Fetch_Site": "cross-site"}
    body = {"old": PASSWORD, "password": OTHER}
    assert mine.send("PUT", "/me/password", body, **foreign).status_code == 403
    assert mine.send("DELETE", "/session", **foreign).status_code == 403
    assert mine.send("GET", "/me").status_code == 200


def test_a_link_turns_the_session_over_too(town: House) -> None:
    account = person(town, PHONE)
    mine = signed_in(town)
    before = mine.cookie
    assert mine.post("/session", secret=link(town, account)).status_code == 201
    assert mine.cookie != before


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("(Linux; Android 14) Chrome/120 Safari/537", "Chrome · Android"),
        ("(iPhone; CPU iPhone OS 17) Safari/604 MicroMessenger/8", "微信 · iPhone"),
        ("curl/8", ""),
    ],
)  # fmt: skip
def test_a_device_is_told_in_a_few_words(agent: str, words: str) -> None:
    assert device_of(agent) == words


def id_of(browser: Browser) -> str:
    """The public id of the browser's session."""
    return next(one["id"] for one in browser.json("/me/sessions")["items"] if one["current"])


def test_the_same_person_goes_on_in_place_under_another_secret(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    session, secret = id_of(mine), mine.cookie
    assert mine.sign_in(PHONE).status_code == 201
    assert (id_of(mine), mine.cookie == secret) == (session, False)
    stolen = Browser(town)
    stolen.client.set_cookie("kaijuan", secret)
    assert stolen.send("GET", "/me").status_code == 401
    assert len(mine.json("/me/sessions")["items"]) == 1


def test_a_session_keeps_its_id_through_a_second_factor_and_a_new_password(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    session, secrets = id_of(mine), [mine.cookie]
    device, _ = enrol(mine)
    secrets.append(mine.cookie)
    assert id_of(mine) == session
    mine.sign_in(PHONE)
    secrets.append(mine.cookie)
    assert mine.send("GET", "/me").status_code == 401, "the second factor is asked for"
    mine.post("/session/second-factor", code=device.code())
    secrets.append(mine.cookie)
    mine.send("PUT", "/me/password", {"old": PASSWORD, "password": OTHER})
    assert id_of(mine) == session
    assert len({*secrets, mine.cookie}) == 5, "no secret is ever gone on with"


def test_anothers_session_is_not_gone_on_with(town: House) -> None:
    person(town, PHONE)
    person(town, MAIL)
    mine = signed_in(town)
    session = id_of(mine)
    mine.sign_in(MAIL)
    assert id_of(mine) != session
    assert len(signed_in(town).json("/me/sessions")["items"]) == 1, "the first one's has ended"


def test_a_session_that_has_ended_is_not_gone_on_with(town: House) -> None:
    person(town, PHONE)
    mine = signed_in(town)
    session = id_of(mine)
    with town.database.transaction() as transaction:
        transaction.execute(update(Credential).values(expires_at=now()))
    mine.sign_in(PHONE)
    assert id_of(mine) != session
