"""Device passwords: what they open, what they never open, and what a stranger learns."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from archives import epub
from database.plans import issued
from house import House
from sqlalchemy import select, text, update
from test_asking import hold
from werkzeug.test import TestResponse

from app.database import now
from app.identity import accounts
from app.identity.callers import PROVING_CLIENTS
from app.identity.models import Account, AuditEvent, Credential
from app.permissions import DeviceScope
from identity.people import AWAY, HOME, PASSWORD, Browser, person

PHONE, OTHER = "13800001234", "13900005678"
MINE = "/me/device-passwords"
BOTH = ["kosync", "opds"]


@pytest.fixture
def reader(town: House, browser: Browser) -> Browser:
    """Somebody who signed in a moment ago."""
    person(town, PHONE)
    assert browser.sign_in(PHONE).status_code == 201
    return browser


def make(browser: Browser, *scopes: str, label: str = "阅读器") -> tuple[str, str]:
    """User name and password of another device."""
    answer = browser.post(MINE, label=label, scopes=scopes or BOTH)
    assert answer.status_code == 201, answer.text
    return answer.json["login"], answer.json["password"]  # type: ignore[index]


def basic(login: str, password: str) -> dict[str, str]:
    """What an OPDS app sends."""
    return {"Authorization": "Basic " + b64encode(f"{login}:{password}".encode()).decode()}


def download(house: House, book: str, login: str, password: str, at: str = HOME) -> TestResponse:
    """The file, as an OPDS app asks for it."""
    path, environ = f"/api/v1/books/{book}/download", {"REMOTE_ADDR": at}
    answer = house.client.get(path, headers=basic(login, password), environ_base=environ)
    answer.close()
    if answer.status_code == 302:  # to where the store hands it out
        answer.status_code = 200
    return answer


def kosync(house: House, login: str, password: str, at: str = HOME) -> TestResponse:
    """What KOReader sends when the password was typed so."""
    key = md5(password.encode(), usedforsecurity=False).hexdigest()
    headers = {"x-auth-user": login, "x-auth-key": key}
    environ = {"REMOTE_ADDR": at}
    answer = house.client.get("/kosync/users/auth", headers=headers, environ_base=environ)
    answer.close()
    return answer


def refused_after(ask: Callable[[int], TestResponse]) -> int:
    """How often it may fail until it is one too many: twice as often while Redis comes and goes."""
    answers = (ask(n).status_code for n in range(100))
    return len(list(takewhile(lambda status: status == 401, answers)))


@pytest.fixture
def book(town: House, tmp_path: Path) -> str:
    """One that readers of a real name may use."""
    return town.book(epub(tmp_path / "a.epub"))


def test_it_can_be_typed_and_is_random(reader: Browser) -> None:
    made = [make(reader) for _ in range(3)]
    assert len({login for login, _ in made}) == 1
    assert len({password for _, password in made}) == 3
    assert all(re.fullmatch(r"([a-hjkm-z]{4}-){6}[a-hjkm-z]{4}", one) for _, one in made)
    assert 24**28 > 2**128


def test_it_is_shown_once_and_kept_as_hashes(town: House, reader: Browser) -> None:
    login, password = make(reader, label="厨房里的")
    [listed] = reader.json(MINE)["items"]
    assert (listed["label"], listed["scopes"], listed["used_at"]) == ("厨房里的", BOTH, None)
    with town.database.transaction(writes=False) as session:
        kept = str(session.execute(text("SELECT * FROM device_passwords")).all())
        kept += str(session.execute(text("SELECT * FROM audit_events")).all())
    plain = password.replace("-", "")
    for form in (plain, password):
        assert form not in kept
        assert md5(form.encode(), usedforsecurity=False).hexdigest() not in kept
    assert login in kept


def test_no_answer_that_is_kept_to_repeat_it_holds_one(town: House, reader: Browser) -> None:
    body = {"label": "一", "scopes": BOTH}
    answer = reader.send("POST", MINE, body, Idempotency_Key="once")
    assert answer.status_code == 201
    with town.database.transaction(writes=False) as session:
        assert session.execute(text("SELECT * FROM idempotency_answers")).all() == []


def test_an_app_downloads_with_it_however_it_was_typed(
    town: House, reader: Browser, book: str
) -> None:
    login, password = make(reader, "opds")
    for typed in (password, password.replace("-", ""), password.upper().replace("-", " ")):
        assert download(town, book, login, typed).status_code == 200
    assert download(town, book, f" {login.upper()} ", password).status_code == 200


def test_it_is_of_its_scope_alone(town: House, reader: Browser, book: str) -> None:
    opds, sync = make(reader, "opds"), make(reader, "kosync")
    assert download(town, book, *opds).status_code == 200
    assert download(town, book, *sync).status_code == 401
    assert kosync(town, *sync).status_code == 200
    assert kosync(town, *opds).status_code == 401


def test_the_password_of_the_account_opens_nothing_so(
    town: House, reader: Browser, book: str
) -> None:
    login, _ = make(reader)
    for name in (login, PHONE, "王小明"):
        assert download(town, book, name, PASSWORD).status_code == 401
        assert kosync(town, name, PASSWORD).status_code == 401


def test_it_goes_with_its_own_user_name(town: House, reader: Browser, book: str) -> None:
    _, password = make(reader)
    person(town, OTHER)
    other = Browser(town)
    other.sign_in(OTHER)
    theirs, _ = make(other)
    for login in (theirs, PHONE, ""):
        assert download(town, book, login, password).status_code == 401
        assert kosync(town, login, password).status_code == 401


def test_it_is_out_at_once(town: House, reader: Browser, book: str) -> None:
    (login, first), (_, second) = make(reader), make(reader)
    newest = reader.json(MINE)["items"][0]["id"]
    assert reader.send("DELETE", f"{MINE}/{newest}").status_code == 204
    assert download(town, book, login, second).status_code == 401
    assert kosync(town, login, second).status_code == 401
    assert download(town, book, login, first).status_code == 200


def test_nobody_takes_anothers_away(town: House, reader: Browser, book: str) -> None:
    login, password = make(reader)
    person(town, OTHER)
    other = Browser(town)
    other.sign_in(OTHER)
    [mine] = reader.json(MINE)["items"]
    assert other.send("DELETE", f"{MINE}/{mine['id']}").status_code == 404
    assert other.json(MINE)["items"] == []
    assert download(town, book, login, password).status_code == 200


@pytest.mark.parametrize("state", ["closed_at", "closing_at"])
def test_it_ends_with_its_account(town: House, reader: Browser, book: str, state: str) -> None:
    login, password = make(reader)
    with town.database.transaction() as session:
        session.execute(update(Account).values({state: now()}))
    assert download(town, book, login, password).status_code == 401
    assert kosync(town, login, password).status_code == 401


def test_it_is_no_way_into_anything_that_does_not_say_so(
    town: House, reader: Browser, book: str
) -> None:
    credentials = basic(*make(reader))
    endpoints = town.app.extensions["kaijuan.endpoints"].values()
    closed = [
        e for e in endpoints
        if e.devices is not DeviceScope.OPDS and e.method == "GET"
        and not e.rule.startswith(PROVING_CLIENTS)
    ]  # fmt: skip
    assert len(closed) > 50
    for one in closed:
        path = re.sub(r"<any\('?([\w-]+)[^>]*>|<[^>]+>", lambda found: found[1] or book, one.rule)
        answer = town.client.get(path, headers=credentials)
        answer.close()
        assert answer.status_code == 401, path


def test_no_role_comes_in_with_it(town: House, browser: Browser, book: str) -> None:
    person(town, PHONE, role="cataloguer")
    browser.sign_in(PHONE)
    login, password = make(browser)
    for stands, refused in (({"policy": "staff"}, 403), ({"audience": "staff"}, 404)):
        kept = town.record("秘本", **stands)
        hold(town, kept, book)
        own = browser.send("GET", f"/books/{kept}/download")
        own.close()
        assert own.status_code in (200, 302)
        assert download(town, kept, login, password).status_code == refused


def test_a_stranger_learns_nothing_by_answer_or_by_work(town: House, reader: Browser) -> None:
    login, password = make(reader, "opds")
    tried = [("nobody", "x"), (login, "x"), ("nobody", password), (login, password)]
    answers, works = [], []
    for name, secret in tried:
        with issued() as sent:
            answer = kosync(town, name, secret, at=AWAY)
        answers.append((answer.status_code, answer.data, sorted(answer.headers.keys())))
        works.append([re.sub(r"\s+", " ", one.statement) for one in sent])
    assert answers[0][:2] == (401, b'{"code":2001,"message":"Unauthorized"}')
    assert all(one == answers[0] for one in answers)
    assert all(one == works[0] for one in works)
    assert len(works[0]) == 1


def test_guessing_is_counted_and_shuts_nobody_out(town: House, reader: Browser, book: str) -> None:
    login, password = make(reader)
    assert 20 <= refused_after(lambda _: download(town, book, login, "x")) <= 40
    assert kosync(town, login, "x").status_code == 429
    assert download(town, book, login, "x", at=AWAY).status_code == 401
    assert download(town, book, login, password).status_code == 200


def test_one_network_cannot_go_through_the_names(tmp_path: Path) -> None:
    house = House(tmp_path / "town", limits="devices.address=5/900")
    assert 5 <= refused_after(lambda n: kosync(house, f"name{n}", "x")) <= 10
    house.close()


def test_its_owner_sees_when_and_where_it_was_used(town: House, reader: Browser) -> None:
    login, password = make(reader)
    kosync(town, login, password, at="203.0.113.77")
    [listed] = reader.json(MINE)["items"]
    assert (listed["network"], bool(listed["used_at"])) == ("203.0.113.0/24", True)
    with issued() as sent:
        kosync(town, login, password)
    assert len(sent) == 1, "once in an hour"


def test_only_a_fresh_session_makes_one(town: House, reader: Browser) -> None:
    with town.database.transaction() as session:
        aged = update(Credential).values(made_at=now() - accounts.FRESH)
        session.execute(aged)
    refused = reader.post(MINE, label="一", scopes=BOTH)
    assert (refused.status_code, refused.json["permission"]) == (403, "fresh-session")  # type: ignore[index]
    token = town.secret("token", None)
    by_token = Browser(town).send(
        "POST", MINE, {"label": "一", "scopes": BOTH}, Authorization=f"Bearer {token}"
    )
    assert by_token.status_code == 403


def test_there_are_twenty_at_most(town: House, reader: Browser) -> None:
    for _ in range(20):
        make(reader)
    assert reader.post(MINE, label="一", scopes=BOTH).status_code == 409
    first = reader.json(MINE)["items"][-1]["id"]
    assert reader.send("DELETE", f"{MINE}/{first}").status_code == 204
    make(reader)


def test_what_is_done_is_audited(town: House, reader: Browser) -> None:
    make(reader)
    [mine] = reader.json(MINE)["items"]
    reader.send("DELETE", f"{MINE}/{mine['id']}")
    with town.database.transaction(writes=False) as session:
        done = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()[-2:]
    assert [one.action for one in done] == ["device-password.made", "device-password.revoked"]
    assert all(mine["id"].encode() in one.detail for one in done)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + "a" * 5, "Basic /w==", "basic YTpi", "Basic YTo="]
)
def test_what_is_not_well_formed_is_refused(town: House, book: str, header: str) -> None:
    answer = town.client.get(f"/api/v1/books/{book}/download", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Kaijuan", charset="UTF-8"'


NOTHING_SAID: list[dict[str, Any]] = [
    {"label": "一", "scopes": []}, {"label": "一"}, {"label": " ", "scopes": BOTH},
    {"label": "一", "scopes": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("body", NOTHING_SAID)
def test_a_password_is_for_something(reader: Browser, body: dict[str, Any]) -> None:
    assert reader.send("POST", MINE, body).status_code == 422
