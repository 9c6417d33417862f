"""Tickets as systems show them: what is answered, in which form, and once only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
import time_machine
from house import House
from identity.people import Browser
from lxml import etree
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from app.database import now
from app.identity import tree
from app.identity.models import Account
from app.signon.models import Client, SignOn
from signon.cas_systems import (
    NS,
    PORTAL,
    VALIDATE,
    ask,
    login,
    refusal,
    signed_in,
    system,
    ticket,
    user,
    validate,
)

SHAPE = etree.XMLSchema(
    etree.fromstring("""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="http://www.yale.edu/tp/cas"
    targetNamespace="http://www.yale.edu/tp/cas" elementFormDefault="qualified">
  <xs:element name="serviceResponse"><xs:complexType><xs:choice>
    <xs:element name="authenticationSuccess"><xs:complexType><xs:sequence>
      <xs:element name="user" type="xs:string"/>
      <xs:element name="attributes" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="authenticationDate" type="xs:dateTime"/>
        <xs:element name="longTermAuthenticationRequestTokenUsed" type="xs:boolean"/>
        <xs:element name="isFromNewLogin" type="xs:boolean"/>
        <xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="proxyGrantingTicket" type="xs:string" minOccurs="0"/>
      <xs:element name="proxies" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="proxy" type="xs:string" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="authenticationFailure" type="c:refusal"/>
    <xs:element name="proxySuccess"><xs:complexType><xs:sequence>
      <xs:element name="proxyTicket" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="proxyFailure" type="c:refusal"/>
  </xs:choice></xs:complexType></xs:element>
  <xs:complexType name="refusal"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="code" type="xs:string" use="required"/>
  </xs:extension></xs:simpleContent></xs:complexType>
</xs:schema>""")
)
"""What answers look like (CAS Protocol 3.0.3, appendix A)."""


def attributes(answer: etree._Element) -> dict[str, str]:
    """What a system is told beside who it is."""
    found = answer.iterfind("cas:authenticationSuccess/cas:attributes/*", namespaces=NS)
    return {etree.QName(one).localname: one.text or "" for one in found}


def account_of(house: House) -> Account:
    """The one reader there is."""
    with house.database.transaction() as session:
        found = session.scalars(select(Account).where(Account.kind == "person")).one()
        session.expunge(found)
        return found


def test_a_good_ticket_says_who_it_is_by_the_opaque_id(house: House) -> None:
    system(house)
    answer = validate(house, ticket(signed_in(house)))
    SHAPE.assertValid(answer)
    assert user(answer) == account_of(house).id


def test_every_answer_has_the_shape_of_the_protocol(house: House) -> None:
    system(house)
    browser = signed_in(house)
    paths = [f"/cas/{p3}{name}Validate" for p3 in ("", "p3/") for name in ("service", "proxy")]
    for path in paths:
        SHAPE.assertValid(validate(house, ticket(browser), path=path))
        SHAPE.assertValid(validate(house, "ST-made-up", path=path))
        SHAPE.assertValid(ask(house, path))
    SHAPE.assertValid(ask(house, "/cas/proxy"))
    SHAPE.assertValid(ask(house, "/cas/proxy", pgt="PGT-made-up", targetService=PORTAL))


def test_what_was_released_is_told_below_p3_alone(house: House) -> None:
    system(house)
    with house.database.transaction() as session:
        tree.add(session, "north", "北省图书馆", "province", tree.default(session).id)
    browser = signed_in(house)
    with house.database.transaction() as session:
        session.execute(update(Account).values(home_id="north", assurance=2))
    told = attributes(validate(house, ticket(browser)))
    assert told.pop("authenticationDate").endswith("Z")
    assert told == {
        "longTermAuthenticationRequestTokenUsed": "true", "isFromNewLogin": "false",
        "name": "王小明", "home_library": "north", "home_library_name": "北省图书馆", "acr": "2",
    }  # fmt: skip
    plain = attributes(validate(house, ticket(browser), path="/cas/serviceValidate"))
    assert set(plain) == {
        "authenticationDate", "longTermAuthenticationRequestTokenUsed", "isFromNewLogin",
    }  # fmt: skip


def test_a_system_without_scopes_learns_the_id_alone(house: House) -> None:
    system(house, scopes=())
    told = attributes(validate(house, ticket(signed_in(house))))
    assert len(told) == 3


def test_a_new_login_is_told_as_one(house: House) -> None:
    system(house)
    browser = signed_in(house)
    login(browser, renew="true")
    assert browser.sign_in("reader@example.org").status_code == 201
    told = attributes(validate(house, ticket(browser, renew="true"), renew="true"))
    assert (told["isFromNewLogin"], told["longTermAuthenticationRequestTokenUsed"]) == (
        "true",
        "false",
    )


def test_the_same_is_answered_as_json(house: House) -> None:
    system(house)
    said = {"ticket": ticket(signed_in(house)), "service": PORTAL, "format": "JSON"}
    answer = house.client.get(VALIDATE, query_string=said)
    assert answer.content_type == "application/json"
    found = answer.json["serviceResponse"]["authenticationSuccess"]  # type: ignore[index]
    assert found["user"] == account_of(house).id
    assert (found["attributes"]["name"], found["attributes"]["isFromNewLogin"]) == ("王小明", False)
    again = house.client.get(VALIDATE, query_string=said).json
    assert again["serviceResponse"]["authenticationFailure"]["code"] == "INVALID_TICKET"  # type: ignore[index]


def test_a_form_that_is_not_known_is_refused(house: House) -> None:
    system(house)
    made = ticket(signed_in(house))
    assert refusal(validate(house, made, format="YAML")) == "INVALID_REQUEST"


def test_cas_1_is_answered_in_two_lines(house: House) -> None:
    system(house)
    said = {"ticket": ticket(signed_in(house)), "service": PORTAL}
    assert house.client.get("/cas/validate", query_string=said).text == (
        f"yes\n{account_of(house).id}\n"
    )
    assert house.client.get("/cas/validate", query_string=said).text == "no\n\n"


@pytest.mark.parametrize("missing", ["ticket", "service"])
def test_both_a_ticket_and_a_service_are_needed(house: House, missing: str) -> None:
    said = {"ticket": "ST-1", "service": PORTAL, missing: ""}
    assert refusal(ask(house, **said)) == "INVALID_REQUEST"


def test_a_ticket_is_good_once(house: House) -> None:
    system(house)
    made = ticket(signed_in(house))
    assert user(validate(house, made))
    assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_of_many_who_show_a_ticket_at_once_one_is_answered(house: House) -> None:
    system(house)
    said = {"ticket": ticket(signed_in(house)), "service": PORTAL}
    found: list[str | None] = []
    start = Barrier(6)

    def show() -> None:
        start.wait()
        answer: TestResponse = house.app.test_client().get(VALIDATE, query_string=said)
        found.append(user(etree.fromstring(answer.data)))

    threads = [Thread(target=show) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert sum(one is not None for one in found) == 1


@pytest.mark.parametrize("service", [PORTAL + "/", PORTAL + "?a=1", "https://other.example.org/"])
def test_a_ticket_for_another_address_is_refused_and_spent(house: House, service: str) -> None:
    system(house)
    system(house, "https://other.example.org/")
    made = ticket(signed_in(house))
    assert refusal(validate(house, made, service)) == "INVALID_SERVICE"
    assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_a_ticket_that_has_expired_is_refused(house: House) -> None:
    system(house)
    made = ticket(signed_in(house))
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_a_ticket_dies_with_its_session(house: House) -> None:
    system(house)
    browser = signed_in(house)
    made = ticket(browser)
    assert browser.send("DELETE", "/session").status_code == 204
    assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_a_ticket_outlives_nothing_that_its_owner_ended_elsewhere(house: House) -> None:
    system(house)
    first, second = signed_in(house), Browser(house)
    made = ticket(first)
    second.sign_in("reader@example.org")
    assert second.send("DELETE", "/me/sessions").status_code in (200, 204)
    assert refusal(validate(house, made)) == "INVALID_TICKET"


def test_a_ticket_is_of_no_use_where_the_system_moved_away(house: House) -> None:
    system(house)
    made = ticket(signed_in(house))
    with house.database.transaction() as session:
        session.execute(update(Client).values(settings=b'{"services":["https://new.example/"]}'))
    assert refusal(validate(house, made)) == "UNAUTHORIZED_SERVICE"


@pytest.mark.parametrize(
    "name", ["</cas:user><cas:user>x", "a & b <b>]]>", "&xxe;", "a\x00b\x0bc\ufffe", "𠮷野家"]
)
def test_a_name_stays_a_name(house: House, name: str) -> None:
    system(house)
    browser = signed_in(house)
    shown = name.replace("\x00", "")  # PostgreSQL keeps none
    with house.database.transaction() as session:
        session.execute(update(Account).values(name=shown))
    answer = validate(house, ticket(browser))
    SHAPE.assertValid(answer)
    assert attributes(answer)["name"] == shown.replace("\x0b", "").replace("\ufffe", "")
    assert user(answer) == account_of(house).id


def test_what_is_sent_is_not_sent_back(house: House) -> None:
    system(house)
    said = {"ticket": "ST-<script>alert(1)</script>", "service": "https://x/<script>"}
    answer = house.client.get(VALIDATE, query_string=said)
    assert b"script" not in answer.data
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_tickets_are_not_guessed_without_end(tmp_path: Path) -> None:
    house = House(tmp_path / "data", limits="tickets.address=3/60")
    guesser = {"REMOTE_ADDR": "203.0.113.77"}
    answers = [
        house.client.get(
            VALIDATE, query_string={"ticket": f"ST-{n}", "service": PORTAL}, environ_base=guesser
        )
        for n in range(4)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert refusal(etree.fromstring(answers[-1].data)) == "INTERNAL_ERROR"
    house.close()


def test_where_somebody_is_signed_on_is_noted_with_the_ticket(house: House) -> None:
    client_id = system(house)
    browser = signed_in(house)
    made, unused = ticket(browser), ticket(browser)
    assert user(validate(house, made))
    with house.database.transaction() as session:
        noted = session.scalars(select(SignOn)).one()
        assert (noted.client_id, noted.service, noted.ticket) == (client_id, PORTAL, made)
        assert noted.session_id
    assert unused != made


def test_neither_signing_on_nor_validating_takes_longer_with_more_systems(house: House) -> None:
    system(house)
    browser = signed_in(house)
    asked: list[str] = []

    def counted() -> int:
        asked.clear()
        assert user(validate(house, ticket(browser)))
        return len(asked)

    event.listen(house.database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    few = counted()
    for number in range(20):
        system(house, f"https://system-{number}.example.org/")
        ticket(browser, f"https://system-{number}.example.org/")
    assert counted() == few
    assert few < 40
