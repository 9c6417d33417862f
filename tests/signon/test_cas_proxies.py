"""Proxy tickets: systems that sign on to others for a person, each of which was asked before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
import time_machine
from house import House
from lxml import etree
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from app.database import now
from app.identity.models import Account
from app.identity.services.audit import SYSTEM
from app.signon.models import Client, SignOn, Ticket
from app.signon.schemas import Scope
from app.signon.services import approvals, keeping, validating
from signon.cas_systems import (
    ARCHIVE,
    NS,
    PORTAL,
    Callback,
    ask,
    refusal,
    serving,
    signed_in,
    system,
    ticket,
    user,
    validate,
)

PROXIED = "/cas/p3/proxyValidate"


@pytest.fixture
def callback() -> Iterator[tuple[Callback, str]]:
    """The portal's proxy callback, and where it is."""
    made = Callback()
    with serving(made) as origin:
        yield made, origin + "/pgt"


def iou(answer: etree._Element) -> str:
    """By which a system knows which proxy-granting ticket it was sent."""
    path = "cas:authenticationSuccess/cas:proxyGrantingTicket"
    return answer.findtext(path, default="", namespaces=NS)


def proxies(answer: etree._Element) -> list[str]:
    """The callbacks that a ticket came through."""
    found = answer.iterfind("cas:authenticationSuccess/cas:proxies/cas:proxy", namespaces=NS)
    return [one.text or "" for one in found]


def proxy_ticket(house: House, granting: str, service: str = ARCHIVE) -> str:
    """A ticket for another service."""
    answer = ask(house, "/cas/proxy", pgt=granting, targetService=service)
    found = answer.findtext("cas:proxySuccess/cas:proxyTicket", namespaces=NS)
    assert found, etree.tostring(answer)
    return found


def granted(house: House, callback: tuple[Callback, str]) -> str:
    """The proxy-granting ticket of the portal, for the archive; both are registered."""
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    system(house, ARCHIVE, name="档案", proxies=(callback[1],))
    answer = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
    assert user(answer)
    return callback[0].sent[iou(answer)]


def test_a_proxy_ticket_says_who_it_is_and_through_whom(
    house: House, callback: tuple[Callback, str]
) -> None:
    made = proxy_ticket(house, granted(house, callback))
    assert made.startswith("PT-")
    answer = validate(house, made, ARCHIVE, path=PROXIED)
    assert user(answer)
    assert proxies(answer) == [callback[1]]
    assert refusal(validate(house, made, ARCHIVE, path=PROXIED)) == "INVALID_TICKET"


def test_a_chain_of_two_proxies_is_told_the_last_first(
    house: House, callback: tuple[Callback, str]
) -> None:
    middle = Callback()
    with serving(middle) as origin:
        second = origin + "/middle"
        system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
        passes = {"may_proxy": True, "proxy_callback": second, "proxies": (callback[1],)}
        system(house, "https://middle.example.org/", name="中间", **passes)
        system(house, ARCHIVE, name="档案", proxies=(callback[1], second))
        first = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
        made = proxy_ticket(house, callback[0].sent[iou(first)], "https://middle.example.org/")
        said = {"path": PROXIED, "pgtUrl": second}
        answer = validate(house, made, "https://middle.example.org/", **said)
        last = proxy_ticket(house, middle.sent[iou(answer)])
        assert proxies(validate(house, last, ARCHIVE, path=PROXIED)) == [second, callback[1]]


def test_no_chain_goes_round(house: House, callback: tuple[Callback, str]) -> None:
    passes = {"may_proxy": True, "proxy_callback": callback[1], "proxies": (callback[1],)}
    system(house, PORTAL, **passes)
    first = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
    made = proxy_ticket(house, callback[0].sent[iou(first)], PORTAL)
    again = validate(house, made, PORTAL, path=PROXIED, pgtUrl=callback[1] + "?round=again")
    assert refusal(again) == "INVALID_PROXY_CALLBACK"


def test_every_proxy_of_a_chain_must_be_one_that_the_service_takes(
    house: House, callback: tuple[Callback, str]
) -> None:
    middle = Callback()
    with serving(middle) as origin:
        second = origin + "/middle"
        system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
        passes = {"may_proxy": True, "proxy_callback": second, "proxies": (callback[1],)}
        system(house, "https://middle.example.org/", name="中间", **passes)
        system(house, ARCHIVE, name="档案", proxies=(second,))
        first = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
        made = proxy_ticket(house, callback[0].sent[iou(first)], "https://middle.example.org/")
        said = {"path": PROXIED, "pgtUrl": second}
        answer = validate(house, made, "https://middle.example.org/", **said)
        asked = ask(house, "/cas/proxy", pgt=middle.sent[iou(answer)], targetService=ARCHIVE)
        assert refusal(asked) == "UNAUTHORIZED_SERVICE"


@pytest.mark.parametrize(
    "path", ["/cas/serviceValidate", "/cas/p3/serviceValidate", "/cas/validate"]
)
def test_no_proxy_ticket_is_taken_where_service_tickets_are(
    house: House, callback: tuple[Callback, str], path: str
) -> None:
    made = proxy_ticket(house, granted(house, callback))
    said = {"ticket": made, "service": ARCHIVE}
    answer = house.client.get(path, query_string=said).text
    assert "INVALID_TICKET_SPEC" in answer or answer == "no\n\n"
    assert refusal(validate(house, made, ARCHIVE, path=PROXIED)) == "INVALID_TICKET"


def test_a_service_that_names_no_proxies_takes_none(
    house: House, callback: tuple[Callback, str]
) -> None:
    granting = granted(house, callback)
    system(house, "https://closed.example.org/")
    asked = ask(house, "/cas/proxy", pgt=granting, targetService="https://closed.example.org/")
    assert refusal(asked) == "UNAUTHORIZED_SERVICE"


def test_a_service_that_takes_a_proxy_no_longer_refuses_its_tickets(
    house: House, callback: tuple[Callback, str]
) -> None:
    made = proxy_ticket(house, granted(house, callback))
    with house.database.transaction() as session:
        archive = update(Client).where(Client.name == "档案")
        session.execute(archive.values(settings=f'{{"services":["{ARCHIVE}"]}}'.encode()))
    assert refusal(validate(house, made, ARCHIVE, path=PROXIED)) == "INVALID_TICKET"


def test_a_proxy_ticket_is_for_one_address(house: House, callback: tuple[Callback, str]) -> None:
    made = proxy_ticket(house, granted(house, callback), ARCHIVE + "one")
    assert refusal(validate(house, made, ARCHIVE + "two", path=PROXIED)) == "INVALID_SERVICE"


@pytest.mark.parametrize("target", ["https://evil.example/", "archive", ARCHIVE + "../x"])
def test_there_is_no_ticket_for_what_is_not_registered(
    house: House, callback: tuple[Callback, str], target: str
) -> None:
    granting = granted(house, callback)
    asked = ask(house, "/cas/proxy", pgt=granting, targetService=target)
    assert refusal(asked) == "UNAUTHORIZED_SERVICE"


def test_a_system_of_others_is_proxied_to_once_the_person_agreed(
    house: House, callback: tuple[Callback, str]
) -> None:
    granting = granted(house, callback)
    with house.database.transaction() as session:
        archive = session.scalars(select(Client).where(Client.name == "档案")).one()
        known = msgspec.structs.replace(keeping.settings_of(archive), is_trusted=False)
        keeping.edit(session, keeping.COMMAND, archive.id, None, settings=known)
    asked = {"pgt": granting, "targetService": ARCHIVE}
    assert refusal(ask(house, "/cas/proxy", **asked)) == "UNAUTHORIZED_SERVICE"
    with house.database.transaction() as session:
        account = session.scalars(select(Ticket.account_id)).one()
        approvals.give(session, SYSTEM, account, archive.id, (Scope.OPENID,))
    assert user(validate(house, proxy_ticket(house, granting), ARCHIVE, path=PROXIED))


def test_a_proxy_granting_ticket_dies_with_the_session(
    house: House, callback: tuple[Callback, str]
) -> None:
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    system(house, ARCHIVE, name="档案", proxies=(callback[1],))
    browser = signed_in(house)
    answer = validate(house, ticket(browser), pgtUrl=callback[1])
    granting = callback[0].sent[iou(answer)]
    pending = proxy_ticket(house, granting)
    browser.client.get("/cas/logout")
    assert refusal(ask(house, "/cas/proxy", pgt=granting, targetService=ARCHIVE))
    assert refusal(validate(house, pending, ARCHIVE, path=PROXIED)) == "INVALID_TICKET"


@pytest.mark.parametrize("what", [Account, Client])
def test_nothing_is_proxied_for_who_is_suspended(
    house: House, callback: tuple[Callback, str], what: type
) -> None:
    granting = granted(house, callback)
    assert proxy_ticket(house, granting)
    with house.database.transaction() as session:
        session.execute(update(what).values(suspended_at=now()))
    assert refusal(ask(house, "/cas/proxy", pgt=granting, targetService=ARCHIVE))


def test_a_proxy_granting_ticket_is_good_for_a_working_day(
    house: House, callback: tuple[Callback, str]
) -> None:
    granting = granted(house, callback)
    with time_machine.travel(now() + timedelta(hours=7)):
        assert proxy_ticket(house, granting)
    with time_machine.travel(now() + timedelta(hours=9)):
        asked = ask(house, "/cas/proxy", pgt=granting, targetService=ARCHIVE)
        assert refusal(asked) == "INVALID_TICKET"


def test_no_other_ticket_stands_for_a_proxy_granting_one(
    house: House, callback: tuple[Callback, str]
) -> None:
    granting = granted(house, callback)
    made = proxy_ticket(house, granting)
    for shown in (made, "PGTIOU-" + granting[4:], "PGT-made-up"):
        assert refusal(ask(house, "/cas/proxy", pgt=shown, targetService=ARCHIVE)) == (
            "INVALID_TICKET"
        )
    assert refusal(validate(house, granting, ARCHIVE, path=PROXIED)) == "INVALID_TICKET"
    assert proxy_ticket(house, granting)  # it was not spent


def test_who_may_not_proxy_is_refused_before_anything_is_sent(
    house: House, callback: tuple[Callback, str]
) -> None:
    system(house, PORTAL, proxy_callback=callback[1])
    answer = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
    assert refusal(answer) == "UNAUTHORIZED_SERVICE_PROXY"
    assert callback[0].asked == 0


@pytest.mark.parametrize(
    "change",
    ["{0}/other", "{0}#x", "{0}/../pgt", "{1}@{0}", "https://evil.example/pgt", "{0}x", "//{0}"],
)
def test_a_ticket_is_sent_to_the_registered_callback_alone(
    house: House, callback: tuple[Callback, str], change: str
) -> None:
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    asked = change.format(callback[1], "http://portal")
    answer = validate(house, ticket(signed_in(house)), pgtUrl=asked)
    assert refusal(answer) == "INVALID_PROXY_CALLBACK"
    assert callback[0].asked == 0


def test_the_query_of_a_callback_is_kept(house: House, callback: tuple[Callback, str]) -> None:
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    answer = validate(house, ticket(signed_in(house)), pgtUrl=callback[1] + "?node=2")
    assert callback[0].sent[iou(answer)].startswith("PGT-")


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
def test_a_callback_that_does_not_answer_200_gets_nothing_that_is_good(
    house: House, callback: tuple[Callback, str], status: int
) -> None:
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    callback[0].answer = Response("", status, {"Location": callback[1] + "/elsewhere"})
    answer = validate(house, ticket(signed_in(house)), pgtUrl=callback[1])
    assert refusal(answer) == "INVALID_PROXY_CALLBACK"
    assert callback[0].asked == 1  # no redirect was followed
    with house.database.transaction() as session:
        assert session.scalars(select(Ticket)).all() == []
        assert session.scalars(select(SignOn)).all() == []


def test_a_callback_that_hangs_is_not_waited_for(
    house: House, callback: tuple[Callback, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validating, "PATIENCE", 0.3)
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    made = ticket(signed_in(house))

    def slowly() -> Iterator[bytes]:
        for _ in range(12):
            time.sleep(0.25)
            yield b"."

    callback[0].answer = Response(slowly())
    begun = time.monotonic()
    assert refusal(validate(house, made, pgtUrl=callback[1])) == "INVALID_PROXY_CALLBACK"
    assert time.monotonic() - begun < 2


def test_nobody_waits_for_a_callback_with_the_database(
    house: House, callback: tuple[Callback, str]
) -> None:
    """What else writes is done while the callback is asked: it asks for it itself."""
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    made = ticket(signed_in(house))
    written: list[int] = []

    class Writing(Callback):
        def __call__(self, environ: object, start: object) -> object:
            with house.database.transaction() as session:
                session.execute(update(Client).values(version=2))
            written.append(1)
            return super().__call__(environ, start)

    with serving(Writing()) as origin:
        with house.database.transaction() as session:
            said = f'{{"services":["{PORTAL}"],"may_proxy":true,"proxy_callback":"{origin}/pgt"}}'
            session.execute(update(Client).values(settings=said.encode()))
        assert iou(validate(house, made, pgtUrl=origin + "/pgt"))
    assert written == [1]


def test_a_session_that_ends_while_the_callback_is_asked_leaves_nothing(
    house: House, callback: tuple[Callback, str]
) -> None:
    system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    browser = signed_in(house)
    made = ticket(browser)

    def end(environ: object, start: object) -> object:
        browser.client.get("/cas/logout")
        return Response("")(environ, start)  # type: ignore[arg-type]

    callback[0].answer = end  # type: ignore[assignment]
    assert refusal(validate(house, made, pgtUrl=callback[1])) == "INVALID_TICKET"
    with house.database.transaction() as session:
        assert session.scalars(select(Ticket)).all() == []


def test_who_signs_out_of_a_system_takes_its_right_to_proxy(
    house: House, callback: tuple[Callback, str]
) -> None:
    portal = system(house, PORTAL, may_proxy=True, proxy_callback=callback[1])
    system(house, ARCHIVE, name="档案", proxies=(callback[1],))
    browser = signed_in(house)
    granting = callback[0].sent[iou(validate(house, ticket(browser), pgtUrl=callback[1]))]
    assert browser.send("DELETE", f"/me/sign-ons/{portal}").status_code == 204
    asked = ask(house, "/cas/proxy", pgt=granting, targetService=ARCHIVE)
    assert refusal(asked) == "INVALID_TICKET"
