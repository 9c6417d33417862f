"""Systems are told that a session has ended: however it ends, at least once, none by another."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from cas import CASClientV3
from house import House
from identity.people import PASSWORD, Browser, enrol, person
from joserfc.jws import extract_compact
from sqlalchemy import select, update

from app import background
from app.database import now
from app.identity import accounts, tree
from app.identity.models import Account, Credential
from app.identity.services import homes, sessions, tending
from app.outgoing.memory import MemoryWeb
from app.outgoing.ports import Incoming, Outgoing
from app.signon.issuing import open_tokens
from app.signon.models import SignOn
from app.signon.services import endings
from signon import cas_systems, ends

PHONE, MAIL = "13800001234", "wang@example.org"
OTHER = "another password, not common"
BUSY, AWAY = Incoming(503, b""), "https://away.example.org/told"


@pytest.fixture
def web(house: House) -> MemoryWeb:
    return ends.connected(house)


def signed_in(house: House) -> Browser:
    made = Browser(house)
    assert made.sign_in(PHONE).status_code == 201
    return made


@pytest.fixture
def reader(house: House, web: MemoryWeb) -> Browser:
    """Somebody who is signed in."""
    person(house, PHONE)
    return signed_in(house)


def test_a_system_learns_that_the_session_has_ended(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    client = ends.system(house)
    signed = ends.claims(house, ends.sign_on(reader, client)["id_token"], "JWT")
    ends.tell(house)
    assert web.asked == []
    reader.send("DELETE", "/session")
    ends.tell(house)
    (asked,) = web.asked
    told = ends.claims(house, ends.form_of(asked)["logout_token"], "logout+jwt")
    assert (asked.method, asked.url) == ("POST", ends.TOLD)
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert [told[name] for name in ("iss", "sub", "sid")] == [
        signed[name] for name in ("iss", "sub", "sid")
    ]
    assert (told["aud"], told["exp"] - told["iat"], "nonce" in told) == (client, 120, False)
    assert len(told["jti"]) >= 16
    ends.tell(house)
    assert (len(web.asked), ends.noted(house)) == (1, 0)


def test_notices_are_checked_by_the_keys_of_now(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    ends.sign_on(reader, ends.system(house))
    before = open_tokens(house.settings).keys.signing().id
    open_tokens(house.settings).keys.rotate(at_once=True)
    reader.send("DELETE", "/session")
    ends.tell(house)
    token = ends.form_of(web.asked[0])["logout_token"]
    assert extract_compact(token.encode()).headers()["kid"] != before
    house.open_doors()
    assert ends.claims(house, token, "logout+jwt")["sid"]


def by_owner(house: House, reader: Browser) -> None:
    mine = reader.json("/me/sessions")["items"][0]["id"]
    signed_in(house).send("DELETE", f"/me/sessions/{mine}")


def others(house: House, reader: Browser) -> None:
    signed_in(house).send("DELETE", "/me/sessions")


def password(house: House, reader: Browser) -> None:
    signed_in(house).send("PUT", "/me/password", {"old": PASSWORD, "password": OTHER})


def another(house: House, reader: Browser) -> None:
    person(house, MAIL)
    reader.sign_in(MAIL)


def expired(house: House, reader: Browser) -> None:
    with house.database.transaction() as session:
        session.execute(update(Credential).values(expires_at=now()))
        sessions.purge(session)


def idle(house: House, reader: Browser) -> None:
    with house.database.transaction() as session:
        session.execute(update(Credential).values(seen_at=now() - accounts.IDLE))
        sessions.purge_idle(session)


def closing(house: House, reader: Browser) -> None:
    reader.post("/me/closing")


def suspended(house: House, reader: Browser) -> None:
    account = reader.json("/me")["account"]
    with house.database.transaction() as session:
        library = tree.default(session).id
        homes.settle(session, session.get_one(Account, account), library, 1)
    staff = Browser(house)
    staff.client.set_cookie("kaijuan", house.secret("session", "administrator"))
    path = f"/libraries/{library}/readers/{account}/suspension"
    assert staff.send("PUT", path).status_code == 204


def disabled(house: House, reader: Browser) -> None:
    account = reader.json("/me")["account"]
    with house.database.transaction() as session:
        tending.disable(session, account)


WAYS: list[Callable[[House, Browser], None]] = [
    by_owner, others, password, another, expired, idle, closing, suspended, disabled,
]  # fmt: skip


@pytest.mark.parametrize("end", WAYS)
def test_however_it_ends(
    house: House, web: MemoryWeb, reader: Browser, end: Callable[[House, Browser], None]
) -> None:
    ends.sign_on(reader, ends.system(house))
    end(house, reader)
    ends.tell(house)
    assert [asked.url for asked in web.asked] == [ends.TOLD]


def test_nothing_ends_where_the_same_person_signs_in_again(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    client = ends.system(house)
    before = ends.claims(house, ends.sign_on(reader, client)["id_token"], "JWT")["sid"]
    reader.sign_in(PHONE)
    device, _ = enrol(reader)
    reader.sign_in(PHONE)
    assert reader.post("/session/second-factor", code=device.code()).status_code == 201
    reader.send("PUT", "/me/password", {"old": PASSWORD, "password": OTHER})
    ends.tell(house)
    assert web.asked == []
    after = ends.claims(house, ends.sign_on(reader, client)["id_token"], "JWT")["sid"]
    assert (after, ends.noted(house)) == (before, 1)


def test_a_system_that_fails_is_told_again_later_and_given_up_after_a_day(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    web.answers[ends.TOLD] = lambda _: BUSY
    ends.sign_on(reader, ends.system(house))
    reader.send("DELETE", "/session")
    for tries, delay in enumerate(endings.DELAYS, 1):
        ends.tell(house)
        assert len(web.asked) == tries, "once in each time"
        with house.database.transaction(writes=False) as session:
            waits = session.scalars(select(SignOn.tell_at)).one() - now()
        assert delay - timedelta(seconds=9) < waits <= delay
        ends.later(house)
    ends.tell(house)
    assert ends.noted(house) == 0
    assert sum(endings.DELAYS, timedelta()) >= timedelta(days=1)


@pytest.mark.parametrize("status", [302, 400, 404])
def test_what_is_not_taken_was_not_told(
    house: House, web: MemoryWeb, reader: Browser, status: int
) -> None:
    web.answers[ends.TOLD] = lambda _: Incoming(status, b"")
    ends.sign_on(reader, ends.system(house))
    reader.send("DELETE", "/session")
    ends.tell(house)
    assert ends.noted(house) == 1


def test_a_system_that_hangs_holds_up_nobody_else(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    goes_on = Event()

    def hang(_asked: Outgoing) -> Incoming:
        goes_on.wait(20)
        return BUSY

    web.answers[AWAY] = hang
    for told in (AWAY, ends.TOLD, ends.TOLD):
        ends.sign_on(reader, ends.system(house, told))
    reader.send("DELETE", "/session")
    telling, begun = ends.teller(house), time.monotonic()
    while ends.noted(house) > 1 and time.monotonic() - begun < 10:
        telling()
    assert ends.noted(house) == 1, "the others were told while one hangs"
    goes_on.set()
    while telling():
        pass


def test_a_system_that_is_away_is_asked_once_whatever_it_is_to_be_told(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    client = ends.system(house, AWAY)
    for browser in (reader, signed_in(house), signed_in(house)):
        ends.sign_on(browser, client)
        browser.send("DELETE", "/session")
    ends.tell(house)
    assert (len(web.asked), ends.noted(house)) == (1, 3)
    web.answers[AWAY] = ends.fine
    ends.later(house)
    ends.tell(house)
    assert (len(web.asked), ends.noted(house)) == (4, 0)


def test_who_dies_while_telling_is_taken_over(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    ends.sign_on(reader, ends.system(house))
    reader.send("DELETE", "/session")
    assert endings.take(house.database) is not None, "it dies here"
    assert endings.take(house.database) is None, "nobody else has it meanwhile"
    with house.database.transaction(writes=False) as session:
        waits = session.scalars(select(SignOn.tell_at)).one() - now()
    assert waits <= endings.LEASE
    ends.later(house)
    ends.tell(house)
    assert (len(web.asked), ends.noted(house)) == (1, 0)


def test_two_workers_tell_each_system_once(house: House, web: MemoryWeb, reader: Browser) -> None:
    for _ in range(6):
        ends.sign_on(reader, ends.system(house))
    reader.send("DELETE", "/session")
    one, other = ends.teller(house), ends.teller(house)
    while one() + other():
        pass
    assert (len(web.asked), ends.noted(house)) == (6, 0)


def test_who_wants_no_notice_is_sent_none(house: House, web: MemoryWeb, reader: Browser) -> None:
    ends.sign_on(reader, ends.system(house, told=None))
    reader.send("DELETE", "/session")
    ends.tell(house)
    assert (web.asked, ends.noted(house)) == ([], 0)


def cas_signed_on(house: House, reader: Browser, **settings: Any) -> str:
    """The ticket by which a CAS system knows the session."""
    cas_systems.system(house, **settings)
    ticket = cas_systems.ticket(reader)
    cas_systems.ask(house, service=cas_systems.PORTAL, ticket=ticket)
    return ticket


def test_a_cas_system_is_told_by_its_ticket(house: House, web: MemoryWeb, reader: Browser) -> None:
    web.answers[cas_systems.PORTAL] = ends.fine
    ticket = cas_signed_on(house, reader)
    reader.send("DELETE", "/session")
    ends.tell(house)
    (asked,) = web.asked
    told = ends.form_of(asked)["logoutRequest"]
    assert asked.url == cas_systems.PORTAL
    assert CASClientV3.verify_logout_request(told, ticket)
    assert ends.noted(house) == 0


def test_a_cas_system_may_want_no_notice(house: House, web: MemoryWeb, reader: Browser) -> None:
    cas_signed_on(house, reader, has_single_logout=False)
    reader.send("DELETE", "/session")
    ends.tell(house)
    assert (web.asked, ends.noted(house)) == ([], 0)


def test_a_person_ends_one_sign_on_and_stays_signed_in(
    house: House, web: MemoryWeb, reader: Browser
) -> None:
    client = ends.system(house)
    given = ends.sign_on(reader, client)
    (line,) = reader.json("/me/sign-ons")["items"]
    assert (line["id"], line["name"], line["sessions"]) == (client, "读者门户", 1)
    person(house, MAIL)
    stranger = Browser(house)
    stranger.sign_in(MAIL)
    assert stranger.json("/me/sign-ons")["items"] == []
    assert stranger.send("DELETE", f"/me/sign-ons/{client}").status_code == 404
    assert reader.send("DELETE", f"/me/sign-ons/{client}").status_code == 204
    ends.tell(house)
    assert (len(web.asked), reader.json("/me/sign-ons")["items"]) == (1, [])
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    assert ends.trade(house, 400, client_id=client, **form)["error"] == "invalid_grant"
    assert reader.send("GET", "/me").status_code == 200


def test_the_worker_tells_at_once(house: House, web: MemoryWeb, reader: Browser) -> None:
    ends.sign_on(reader, ends.system(house))
    worker = background.worker(house.settings, house.adapters)
    thread = Thread(target=worker.run, daemon=True)
    thread.start()
    begun = time.monotonic()
    reader.send("DELETE", "/session")
    while not web.asked and time.monotonic() - begun < 15:
        time.sleep(0.02)
    worker.stop()
    thread.join(30)
    assert [asked.url for asked in web.asked] == [ends.TOLD]
