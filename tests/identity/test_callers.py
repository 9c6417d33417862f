"""Who calls: tokens, sessions, links that work once, and what nobody may claim."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from house import House

from app.database import now, random_id
from app.identity import accounts
from app.identity.addresses import client_address
from app.identity.models import Account, LibraryNetwork
from app.identity.policies import Rules
from app.identity.services import policies

ME = "/api/v1/me"
NEW = {"description": {"title": "书"}}


def signed_in(house: House, role: str | None = "cataloguer") -> dict[str, str]:
    """The cookie of a session."""
    return {"Cookie": f"kaijuan={house.secret('session', role)}"}


def test_a_token_is_known_and_says_its_roles(house: House) -> None:
    me = house.json(ME, headers=house.token("administrator"))
    assert (me["name"], me["roles"]) == ("馆员", ["administrator"])


@pytest.mark.parametrize(
    "value", ["Bearer nothing", "Bearer", "Basic YTpi", "Digest x", "Bearer \xff", "x"]
)
def test_credentials_that_do_not_hold_are_refused(house: House, value: str) -> None:
    answer = house.client.get("/api/v1/books", headers={"Authorization": value})
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


def test_tokens_end_by_time_by_revoking_and_with_their_account(house: House) -> None:
    expired, revoked, closed = house.token(days=-1), house.token(), house.token()
    account = house.json(ME, headers=closed)["account"]
    with house.database.transaction() as session:
        accounts.revoke(session, revoked["Authorization"].removeprefix("Bearer "))
        session.get_one(Account, account).closed_at = now()
    for token in (expired, revoked, closed):
        assert house.client.get(ME, headers=token).status_code == 401


def test_a_secret_serves_one_purpose_only(house: House) -> None:
    for kind in ("session", "link"):
        headers = {"Authorization": f"Bearer {house.secret(kind, 'cataloguer')}"}
        assert house.client.get(ME, headers=headers).status_code == 401
    assert house.client.get(ME, headers={"Cookie": "kaijuan=nothing"}).status_code == 401
    assert house.client.get("/api/v1/books", headers={"Cookie": "kaijuan=old"}).status_code == 200


def test_a_link_works_once(house: House) -> None:
    body = {"secret": house.secret("link", "administrator")}
    first = house.send("POST", "/api/v1/session", body)
    cookie = first.headers["Set-Cookie"]
    assert first.status_code == 201
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert house.json(ME)["roles"] == ["administrator"], "the client kept the cookie"
    house.client.delete_cookie("kaijuan")
    assert house.send("POST", "/api/v1/session", body).status_code == 401


def test_of_two_who_use_a_link_at_once_one_comes_in(house: House) -> None:
    body = {"secret": house.secret("link", "administrator")}

    def use(_: int) -> int:
        return house.app.test_client().post("/api/v1/session", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [201, 401, 401, 401]


def test_a_cookie_is_secure_where_readers_speak_tls(tmp_path: Any) -> None:
    house = House(tmp_path / "tls", public_url="https://books.example.org")
    answer = house.send("POST", "/api/v1/session", {"secret": house.secret("link", None)})
    assert "Secure" in answer.headers["Set-Cookie"]
    house.close()


def test_signing_out_ends_the_session(house: House) -> None:
    cookie = signed_in(house)
    headers = {**cookie, "Sec-Fetch-Site": "same-origin"}
    house.client = house.app.test_client(use_cookies=False)
    answer = house.client.delete("/api/v1/session", headers=headers)
    assert (answer.status_code, "Max-Age=0" in answer.headers["Set-Cookie"]) == (204, True)
    assert house.client.get(ME, headers=cookie).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({}, 403),
    ],
)
def test_a_cookie_changes_things_only_from_our_own_pages(
    house: House, headers: dict[str, str], status: int
) -> None:
    house.client = house.app.test_client(use_cookies=False)
    answer = house.send("POST", "/api/v1/records", NEW, {**signed_in(house), **headers})
    assert answer.status_code == status
    assert house.client.get(ME, headers={**signed_in(house), **headers}).status_code == 200


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        # nobody is believed who is no proxy of ours
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("2001:db8::9", "198.51.100.1", "2001:db8::9"),
        ("::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("", "198.51.100.1", ""),
        # a proxy of ours is, of whoever asked it, and not of what they said themselves
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.1, 10.0.0.3, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        # IPv6, IPv4 within it, ports, brackets, zones
        ("2001:db8:ff::1", "2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:41234", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::7]:41234", "2001:db8::7"),
        ("10.0.0.1", "6.6.6.6, [2001:db8::7], 10.0.0.2:80", "2001:db8::7"),
        ("fe80::1%eth0", "198.51.100.1", "fe80::1"),
        # what is no address is not looked behind
        ("10.0.0.1", "nonsense", "nonsense"),
        ("10.0.0.1", "198.51.100.1, unknown", "unknown"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.300", "10.0.0.300"),
        ("10.0.0.1", "198.51.100.1, [10.0.0.2", "[10.0.0.2"),
    ],
)
def test_forwarded_addresses_are_believed_of_trusted_proxies_alone(
    remote: str, forwarded: str, address: str
) -> None:
    assert client_address(remote, forwarded, TRUSTED) == address


IN_THE_READING_ROOM = "192.0.2.7"
ELSEWHERE = "198.51.100.1"


@pytest.mark.parametrize(
    ("remote", "headers", "is_inside"),
    [
        (ELSEWHERE, {"X-Forwarded-For": IN_THE_READING_ROOM}, False),
        ("10.0.0.1", {"X-Forwarded-For": f"{IN_THE_READING_ROOM}, {ELSEWHERE}"}, False),
        ("10.0.0.1", {"X-Forwarded-For": [IN_THE_READING_ROOM, ELSEWHERE]}, False),
        ("10.0.0.1", {"X-Forwarded-For": [ELSEWHERE, IN_THE_READING_ROOM]}, True),
        ("10.0.0.1", {"X-Forwarded-For": IN_THE_READING_ROOM}, True),
        ("10.0.0.1", {"X-Forwarded-For": f"::ffff:{IN_THE_READING_ROOM}"}, True),
        (IN_THE_READING_ROOM, {"X-Forwarded-For": ELSEWHERE}, True),
        *(
            ("10.0.0.1", {"X-Forwarded-For": ELSEWHERE, name: value}, False)
            for name, value in (
                ("X-Real-IP", IN_THE_READING_ROOM),
                ("X-Client-IP", IN_THE_READING_ROOM),
                ("True-Client-IP", IN_THE_READING_ROOM),
                ("CF-Connecting-IP", IN_THE_READING_ROOM),
                ("Forwarded", f"for={IN_THE_READING_ROOM}"),
                ("X-Forwarded", IN_THE_READING_ROOM),
            )
        ),
    ],
)
def test_nobody_reads_inside_a_network_by_saying_so(
    tmp_path: Any, remote: str, headers: dict[str, Any], is_inside: bool
) -> None:
    house = House(tmp_path / "data", trusted_proxies="10.0.0.0/8")
    house.network()
    with house.database.transaction() as session:
        row = LibraryNetwork(
            id=random_id(), library_id="north", cidr="192.0.2.0/24", link="private", added_at=now()
        )
        session.add(row)
        rules = policies.kept(session, Rules(network="own"), "policy")
    record = house.record("江西通志", library="north", policy=rules)
    sent = [(n, one) for n, v in headers.items() for one in ([v] if isinstance(v, str) else v)]
    asked = {"headers": sent, "environ_base": {"REMOTE_ADDR": remote}}
    assert house.json(f"/api/v1/books/{record}", **asked)["use"]["allowed"] == is_inside
    house.close()


def test_metrics_answer_loopback_or_a_token_alone(house: House) -> None:
    away = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert house.client.get("/metrics").status_code == 200
    assert house.client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert house.client.get("/metrics", **away).status_code == 403
    assert house.client.get("/metrics", headers=house.token("operator"), **away).status_code == 200


def test_a_reader_without_a_role_may_do_nothing_to_records(house: House) -> None:
    token = {"Authorization": f"Bearer {house.secret('token', None)}"}
    assert house.json(ME, headers=token)["roles"] == []
    refused = house.send("POST", "/api/v1/records", NEW, token)
    assert (refused.status_code, refused.json["permission"]) == (403, "records.edit")  # type: ignore[index]


def test_links_live_a_day_at_most() -> None:
    assert timedelta(hours=24) >= accounts.LINK_LIFE
