"""Coming in through one's own library: what works, and whose word is not believed."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from typing import Any

import pytest
import time_machine
from house import House
from identity.people import PASSWORD, Device, person
from joserfc import jws
from sqlalchemy import func, select

from app.database import now
from app.identity.models import Account, AuditEvent, Consent, Handle, Minor
from app.identity.services import homes
from app.outgoing.ports import Incoming, OutgoingError
from app.signon.models import ProviderIdentity, ProviderVisit
from signon.elsewhere import (
    CAS,
    CLIENT,
    ISSUER,
    SITE,
    Elsewhere,
    Traveller,
    cas_answer,
    provider,
    said,
    town,
    vouches,
)

OTHER = "https://other.example.org"
PHONE = "13800001234"


class Place:
    """A library with a provider of its own, and somebody who comes from there."""

    def __init__(self, house: House) -> None:
        self.house, self.web = house, town(house)
        self.idp = Elsewhere(self.web)
        self.provider = provider(house)
        self.reader = Traveller(house)

    def count(self, model: Any) -> int:
        with self.house.database.transaction(writes=False) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def refusals(self) -> list[bytes]:
        with self.house.database.transaction(writes=False) as session:
            wanted = select(AuditEvent.detail).where(AuditEvent.action == "provider.refused")
            return list(session.scalars(wanted))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    yield Place(made)
    made.close()


def sign_in(traveller: Traveller, handle: str = PHONE) -> None:
    body = {"handle": handle, "password": PASSWORD}
    answer = traveller.client.post("/api/v1/session/password", json=body, headers=SITE)
    assert answer.status_code == 201, answer.text


def test_a_reader_comes_in_and_is_at_home_there(place: Place) -> None:
    sent_to = place.reader.depart(place.provider, next="/subjects")
    assert sent_to.startswith(ISSUER + "/authorization?")
    code = place.idp.code(sent_to)
    came = place.reader.back(place.provider, sent_to, code=code)
    assert (came.status_code, came.location) == (303, "/subjects")
    assert place.reader.me["home"] == "north"
    with place.house.database.transaction(writes=False) as session:
        assert session.scalars(select(Account.assurance)).one() == 2
        assert homes.wrong(session) == 0


def test_a_childs_account_is_one_from_the_beginning(place: Place) -> None:
    sent_to = place.reader.depart(place.provider, born="2016")
    place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert place.count(Minor) == 1
    assert place.count(Consent) == 2


def test_who_comes_again_has_the_same_account(place: Place) -> None:
    place.reader.through(place.idp, place.provider)
    again = Traveller(place.house)
    again.through(place.idp, place.provider)
    assert again.me["account"] == place.reader.me["account"]
    other = Traveller(place.house)
    other.through(place.idp, place.provider, "somebody-else")
    assert other.me["account"] != place.reader.me["account"]


def test_the_same_name_at_another_provider_is_another_person(place: Place) -> None:
    other = provider(place.house, "south", address=OTHER)
    place.reader.through(place.idp, place.provider)
    second = Traveller(place.house)
    second.through(Elsewhere(place.web, OTHER), other)
    assert second.me["account"] != place.reader.me["account"]


def test_a_library_vouches_and_is_no_second_factor(place: Place) -> None:
    place.reader.through(place.idp, place.provider)
    found = place.reader.client.get("/api/v1/me/sessions").json["items"]
    assert found[0]["methods"] == ["fed"]
    assert not place.reader.me["proven"]


def test_of_who_a_person_is_there_nothing_is_kept(place: Place) -> None:
    place.idp.claims = {"name": "王小明", "email": "wang@example.org", "phone_number": PHONE}
    place.reader.through(place.idp, place.provider, "card-20260001")
    with place.house.database.transaction(writes=False) as session:
        kept = [row.lookup for row in session.scalars(select(ProviderIdentity))]
        names = session.scalars(select(Account.name)).all()
    assert "20260001" not in str(kept)
    assert names == ["读者"]
    assert place.count(Handle) == 0


def test_a_phone_that_a_provider_claims_opens_nobodys_account(place: Place) -> None:
    owner = person(place.house, PHONE)
    place.idp.claims = {"phone_number": "+86" + PHONE, "phone_number_verified": True}
    place.reader.through(place.idp, place.provider)
    assert place.reader.me["account"] != owner


def altered(change: dict[str, Any]) -> Callable[[Place], None]:
    return lambda place: place.idp.claims.update(change)


AT = int(now().timestamp())
UNBELIEVED: dict[str, Callable[[Place], None]] = {
    "nonce": altered({"nonce": "another"}),
    "aud": altered({"aud": "another"}),
    "azp": altered({"aud": [CLIENT, "another"], "azp": "another"}),
    "azp-missing": altered({"aud": [CLIENT, "another"]}),
    "iss": altered({"iss": OTHER}),
    "exp": altered({"exp": AT - 3600}),
    "iat": altered({"iat": AT - 3600}),
    "iat-ahead": altered({"iat": AT + 3600}),
    "sub": altered({"sub": ""}),
    "sub-long": altered({"sub": "x" * 256}),
    "sub-form": altered({"sub": 7}),
    "exp-form": altered({"exp": "never"}),
    "exp-nan": altered({"exp": float("nan")}),
    "sub-surrogate": altered({"sub": "\ud800"}),
    "nonce-surrogate": altered({"nonce": "\ud800"}),
}


@pytest.mark.parametrize("what", UNBELIEVED)
def test_a_token_that_is_not_for_this_very_sign_in_is_not_believed(place: Place, what: str) -> None:
    UNBELIEVED[what](place)
    came = place.reader.through(place.idp, place.provider)
    assert (came.status_code, place.reader.me) == (403, None)
    assert place.count(Account) == 0
    assert len(place.refusals()) == 1


def unsigned(known: dict[str, str], place: Place) -> str:
    body = place.idp.signed(known).split(".")[1]
    return f"eyJhbGciOiJub25lIn0.{body}."


def signed_with_the_public_key(known: dict[str, str], place: Place) -> str:
    """What a library that takes the algorithm from the token would believe."""
    body = place.idp.signed(known).split(".")[1]
    header = f'{{"alg":"HS256","kid":"{place.idp.key.kid}"}}'.encode()
    signed = f"{plain(header)}.{body}"
    seal = hmac(place.idp.key.as_pem(private=False), signed.encode(), sha256)
    return f"{signed}.{plain(seal.digest())}"


def plain(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def signed_by_another(known: dict[str, str], place: Place) -> str:
    place.idp.key = place.idp.new_key("first")
    return place.idp.signed(known)


def signed_without_end(_: dict[str, str], place: Place) -> str:
    header = {"alg": "ES256", "kid": place.idp.key.kid}
    return jws.serialize_compact(header, b"[" * 100_000, place.idp.key)


FORGED = (unsigned, signed_with_the_public_key, signed_by_another, signed_without_end)


@pytest.mark.parametrize("forge", FORGED)
def test_a_token_that_the_provider_did_not_sign_is_not_believed(
    place: Place, forge: Callable[[dict[str, str], Place], str]
) -> None:
    sent_to = place.reader.depart(place.provider)
    code = place.idp.code(sent_to)
    place.idp.token = forge(place.idp.codes[code], place)
    came = place.reader.back(place.provider, sent_to, code=code)
    assert (came.status_code, place.reader.me) == (403, None)


def test_new_keys_are_fetched_when_they_sign(place: Place) -> None:
    place.reader.through(place.idp, place.provider)
    place.idp.key = place.idp.new_key("second")
    place.idp.published.insert(0, place.idp.key)
    again = Traveller(place.house)
    assert again.through(place.idp, place.provider).status_code == 303
    place.idp.key = place.idp.new_key("never published")
    asked = len([one for one in place.web.asked if one.url.endswith("/keys")])
    for _ in range(3):
        assert Traveller(place.house).through(place.idp, place.provider).status_code == 403
    assert len([one for one in place.web.asked if one.url.endswith("/keys")]) == asked


def test_a_state_is_good_once(place: Place) -> None:
    sent_to = place.reader.depart(place.provider)
    cookie = place.reader.client.get_cookie("kaijuan_trip")
    assert place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to)).location
    place.reader.client.set_cookie("kaijuan_trip", cookie.value)  # type: ignore[union-attr]
    again = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert again.status_code == 403


def test_each_trip_is_known_by_something_else(place: Place) -> None:
    place.reader.client.set_cookie("kaijuan_trip", "planted by another")
    place.reader.depart(place.provider)
    first = place.reader.client.get_cookie("kaijuan_trip")
    place.reader.depart(place.provider)
    second = place.reader.client.get_cookie("kaijuan_trip")
    assert first is not None
    assert second is not None
    assert len({"planted by another", first.value, second.value}) == 3


def test_it_is_said_where_no_library_has_set_it_up(house: House, place: Place) -> None:
    assert "还没有图书馆开通" in house.app.test_client().get("/sign-in/library").text
    searched = place.reader.client.get("/sign-in/library?q=nowhere").text
    assert "没有找到这样的图书馆" in searched
    assert "还没有图书馆开通" not in searched


def test_a_state_is_good_for_ten_minutes(place: Place) -> None:
    sent_to = place.reader.depart(place.provider)
    cookie = place.reader.client.get_cookie("kaijuan_trip")
    with time_machine.travel(now() + timedelta(minutes=11)):
        place.reader.client.set_cookie("kaijuan_trip", cookie.value)  # type: ignore[union-attr]
        came = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert came.status_code == 403


def test_nobody_is_signed_in_by_a_link_that_another_sends_them(place: Place) -> None:
    attacker = Traveller(place.house)
    sent_to = attacker.depart(place.provider)
    code = place.idp.code(sent_to, "attacker")
    victim = place.reader
    victim.depart(place.provider)
    assert victim.back(place.provider, sent_to, code=code).status_code == 403
    assert victim.me is None


def test_a_code_of_another_browser_is_no_good_in_ones_own_trip(place: Place) -> None:
    stolen = place.idp.code(Traveller(place.house).depart(place.provider), "victim")
    mine = place.reader.depart(place.provider)
    assert place.reader.back(place.provider, mine, code=stolen).status_code == 403
    assert place.reader.me is None


def test_a_code_never_goes_to_another_provider(place: Place) -> None:
    """Mix-up (RFC 9700 §4.4): the honest provider's code comes back at the address of another."""
    bad = provider(place.house, "south", address=OTHER)
    Elsewhere(place.web, OTHER)
    sent_to = place.reader.depart(bad)
    code = place.idp.code(sent_to)
    assert place.reader.back(place.provider, sent_to, code=code).status_code == 403
    assert not any(one.url == OTHER + "/token" for one in place.web.asked)


@pytest.mark.parametrize("iss", [OTHER, ""])
def test_who_names_its_issuer_is_held_to_it(place: Place, iss: str) -> None:
    place.idp.metadata = {"authorization_response_iss_parameter_supported": True}
    sent_to = place.reader.depart(place.provider)
    code = place.idp.code(sent_to)
    assert place.reader.back(place.provider, sent_to, code=code, iss=iss).status_code == 403
    assert not any(one.url == ISSUER + "/token" for one in place.web.asked)
    sent_to = place.reader.depart(place.provider)
    code = place.idp.code(sent_to)
    assert place.reader.back(place.provider, sent_to, code=code, iss=ISSUER).status_code == 303


DISCOVERED = {
    "nothing": said({"issuer": ISSUER}),
    "a redirect": Incoming(302, b"", {"location": OTHER}),
    "no JSON": Incoming(200, b"<html>"),
    "deep JSON": Incoming(200, b"[" * 100_000),
    "no UTF-8": Incoming(200, b'{"issuer": "\xff"}'),
}


@pytest.mark.parametrize("what", DISCOVERED)
def test_what_a_provider_says_of_itself_is_looked_at(place: Place, what: str) -> None:
    there = ISSUER + "/.well-known/openid-configuration"
    place.web.answers[there] = lambda _: DISCOVERED[what]
    went = place.reader.fill("/sign-in/library", "/sign-in/library", provider=place.provider)
    assert went.status_code == 403
    assert place.count(ProviderVisit) == 0


def test_a_provider_that_says_it_is_another_is_not_believed(place: Place) -> None:
    place.idp.metadata = {"issuer": OTHER}
    went = place.reader.fill("/sign-in/library", "/sign-in/library", provider=place.provider)
    assert went.status_code == 403


@pytest.mark.parametrize("end", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
@pytest.mark.parametrize("address", ["http://idp.example.org/x", "file:///etc/passwd"])
def test_no_address_is_asked_that_could_not_be_registered(
    place: Place, end: str, address: str
) -> None:
    place.idp.metadata = {end: address}
    went = place.reader.fill("/sign-in/library", "/sign-in/library", provider=place.provider)
    assert went.status_code == 403


def test_a_provider_that_is_away_or_endless_keeps_nobody(place: Place) -> None:
    def endless(_: Any) -> Incoming:
        raise OutgoingError("the answer is too large")

    sent_to = place.reader.depart(place.provider)
    place.web.answers[ISSUER + "/token"] = endless
    came = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert (came.status_code, place.reader.me) == (503, None)


def test_nobody_is_sent_elsewhere_afterwards(place: Place) -> None:
    for onwards in ("https://evil.example", "//evil.example", "/\\evil.example"):
        sent_to = place.reader.depart(place.provider, next=onwards)
        came = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
        assert came.location == "/"


def test_a_suspended_provider_takes_nobody_in(place: Place) -> None:
    sent_to = place.reader.depart(place.provider)
    staff = place.house.token("librarian", "north")
    at = f"/api/v1/libraries/north/providers/{place.provider}/suspension"
    assert place.house.client.put(at, headers=staff).status_code == 204
    came = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert came.status_code == 404
    assert "北省图书馆" not in place.house.get("/sign-in/library")


def test_the_second_factor_is_asked_for_all_the_same(place: Place) -> None:
    place.reader.through(place.idp, place.provider)
    begun = place.reader.client.post("/api/v1/me/second-factor", headers=SITE).json
    code = {"code": Device(begun["key"]).code()}
    assert place.reader.client.put("/api/v1/me/second-factor", json=code, headers=SITE).json
    again = Traveller(place.house)
    came = again.through(place.idp, place.provider)
    assert came.location == "/sign-in/second-factor?next=%2F"
    assert again.client.get("/api/v1/me").status_code == 401


def test_a_reader_finds_their_library_among_many_and_again(place: Place) -> None:
    provider(place.house, "south", address=OTHER)
    page = place.reader.client.get("/sign-in/library?q=南省").text
    assert "南省图书馆" in page
    assert "北省图书馆" not in page
    place.reader.through(place.idp, place.provider)
    assert "上次使用" in place.reader.client.get("/sign-in/library").text


CAS_ANSWERS = {
    "refused": cas_answer('<cas:authenticationFailure code="INVALID_TICKET"/>'),
    "no user": cas_answer(vouches("")),
    "an entity": cas_answer(vouches("&x;"), '<!DOCTYPE a [<!ENTITY x "root">]>'),
    "a file": cas_answer(vouches("&x;"), '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "a bomb": cas_answer(
        vouches("&d;"),
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>',
    ),
    "no XML": Incoming(200, b"yes\nreader\n"),
    "a redirect": Incoming(302, b"", {"location": OTHER}),
    "elsewhere in it": cas_answer(f"<cas:proxies>{vouches('reader')}</cas:proxies>"),
}


def test_a_reader_comes_in_by_cas(place: Place) -> None:
    cas = provider(place.house, protocol="cas", address=CAS, client_id="", secret=None)
    place.web.answers[CAS + "/serviceValidate"] = lambda _: cas_answer(vouches("reader"))
    sent_to = place.reader.depart(cas)
    assert sent_to.startswith(CAS + "/login?service=")
    assert place.reader.back(cas, sent_to, ticket="ST-1").status_code == 303
    service = sent_to.partition("?")[2]
    assert place.web.asked[-1].url == f"{CAS}/serviceValidate?{service}&ticket=ST-1"


@pytest.mark.parametrize("what", CAS_ANSWERS)
def test_a_cas_answer_that_vouches_for_nobody_lets_nobody_in(place: Place, what: str) -> None:
    cas = provider(place.house, protocol="cas", address=CAS, client_id="", secret=None)
    place.web.answers[CAS + "/serviceValidate"] = lambda _: CAS_ANSWERS[what]
    sent_to = place.reader.depart(cas)
    assert place.reader.back(cas, sent_to, ticket="ST-1").status_code == 403
    assert place.reader.me is None


def connect(place: Place, subject: str = "r") -> Any:
    """Has the account that is signed in be come in to through the library too."""
    went = place.reader.fill("/account/data", "/account/data/identities", provider=place.provider)
    sent_to = went.headers["Refresh"].removeprefix("0; url=")
    code = place.idp.code(sent_to, subject)
    return place.reader.back(place.provider, sent_to, code=code)


def test_who_is_signed_in_connects_their_library(place: Place) -> None:
    account = person(place.house, PHONE)
    sign_in(place.reader)
    assert connect(place).location == "/account/data?done=identity"
    again = Traveller(place.house)
    again.through(place.idp, place.provider)
    assert again.me["account"] == account
    assert again.me["home"] == "north"


def test_connecting_wants_the_person_who_began(place: Place) -> None:
    person(place.house, PHONE)
    person(place.house, "13900005678")
    sign_in(place.reader)
    went = place.reader.fill("/account/data", "/account/data/identities", provider=place.provider)
    sent_to = went.headers["Refresh"].removeprefix("0; url=")
    sign_in(place.reader, "13900005678")
    came = place.reader.back(place.provider, sent_to, code=place.idp.code(sent_to))
    assert (came.status_code, place.count(ProviderIdentity)) == (403, 0)


def test_a_librarys_account_that_opens_another_is_offered_to_merge(place: Place) -> None:
    Traveller(place.house).through(place.idp, place.provider)
    account = person(place.house, PHONE)
    sign_in(place.reader)
    found = connect(place)
    assert "merging/plan" in found.text
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', found.text))
    plan = place.reader.client.post("/account/merging/plan", data=hidden, headers=SITE)
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', plan.text))
    done = place.reader.client.post("/account/merging", data=hidden, headers=SITE)
    assert done.location == "/account?done=merged"
    again = Traveller(place.house)
    again.through(place.idp, place.provider)
    assert again.me["account"] == account


def test_the_last_way_in_is_not_taken_away(place: Place) -> None:
    place.reader.through(place.idp, place.provider)
    gone = place.reader.client.delete(f"/api/v1/me/identities/{place.provider}", headers=SITE)
    assert gone.status_code == 409
    assert place.reader.client.get("/api/v1/me/identities").json["items"]
    person(place.house, PHONE)
    other = Traveller(place.house)
    sign_in(other)
    place.reader = other
    connect(place, "another")
    path = f"/api/v1/me/identities/{place.provider}"
    assert other.client.delete(path, headers=SITE).status_code == 204
