"""CAS as clients written by others speak it (python-cas), over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cas import CASClient, CASError
from house import House
from identity.people import PASSWORD, person
from werkzeug.wrappers import Request, Response

from app import background
from signon.cas_systems import READER, Callback, serving, system

SITE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[tuple[House, str]]:
    """A library that is served on this machine, and where."""
    house = House(tmp_path / "data")
    with serving(house.app) as origin:
        yield house, origin + "/cas/"
    house.close()


def client(version: int, server: str, service: str, **options: object) -> CASClient:
    """A client of others."""
    return CASClient(version=version, service_url=service, server_url=server, **options)


def come_in(browser: requests.Session, url: str) -> str:
    """Signs in by our own page, where one is sent to, until a system is to be visited."""
    asked = browser.get(url, allow_redirects=False)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    if urlsplit(asked.headers["Location"]).path != "/sign-in":
        return asked.headers["Location"]
    page = browser.get(origin + asked.headers["Location"])
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    fields = {name: unescape(value) for name, value in fields.items()}
    form = fields | {"handle": READER, "password": PASSWORD}
    inside = browser.post(origin + "/sign-in", data=form, headers=SITE)
    onwards = inside.headers["Refresh"].partition("url=")[2]
    return browser.get(origin + onwards, allow_redirects=False).headers["Location"]


def ticket_in(location: str) -> str:
    """The ticket that a browser brings."""
    return parse_qs(urlsplit(location).query)["ticket"][0]


def test_one_sign_in_is_enough_for_two_systems(town: tuple[House, str]) -> None:
    house, server = town
    account_id = person(house, READER)
    browser = requests.Session()
    for number, service in enumerate(("https://a.example.org/", "https://b.example.org/")):
        system(house, service)
        cas = client(3, server, service)
        location = come_in(browser, cas.get_login_url())
        user, attributes, _ = cas.verify_ticket(ticket_in(location))
        assert user == account_id
        assert attributes["name"] == "王小明"
        assert attributes["isFromNewLogin"] == ("false" if number else "true")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_protocol_says_who_it_is(
    town: tuple[House, str], version: int
) -> None:
    house, server = town
    account_id = person(house, READER)
    system(house, "https://a.example.org/")
    cas = client(version, server, "https://a.example.org/")
    made = ticket_in(come_in(requests.Session(), cas.get_login_url()))
    assert cas.verify_ticket(made)[0] == account_id
    assert cas.verify_ticket(made)[0] is None


def test_signing_out_here_signs_out_there(town: tuple[House, str]) -> None:
    house, server = town
    person(house, READER)
    received: list[str] = []

    def there(environ: object, start: object) -> object:
        received.append(Request(environ).form["logoutRequest"])  # type: ignore[arg-type]
        return Response("")(environ, start)  # type: ignore[arg-type]

    with serving(there) as origin:
        system(house, origin + "/app")
        cas = client(3, server, origin + "/app")
        browser = requests.Session()
        made = ticket_in(come_in(browser, cas.get_login_url()))
        assert cas.verify_ticket(made)[0]
        answer = browser.get(cas.get_logout_url(origin + "/app"), allow_redirects=False)
        assert answer.headers["Location"] == origin + "/app"
        tell(house)
    assert cas.verify_logout_request(received[0], made)
    assert not cas.verify_logout_request(received[0], "ST-of-somebody-else")


def tell(house: House) -> None:
    """What the worker does once sessions have ended."""
    teller = background.teller(house.settings, house.adapters)
    while teller():
        pass


def test_a_proxy_chain_of_two_reaches_the_third_system(town: tuple[House, str]) -> None:
    house, server = town
    account_id = person(house, READER)
    one, two = Callback(), Callback()
    with serving(one) as first, serving(two) as second:
        at = {
            "a": "https://a.example.org/",
            "b": "https://b.example.org/",
            "c": "https://c.example.org/",
        }
        system(house, at["a"], may_proxy=True, proxy_callback=first + "/pgt")
        proxied = {"may_proxy": True, "proxy_callback": second + "/pgt"}
        system(house, at["b"], proxies=(first + "/pgt",), **proxied)
        system(house, at["c"], proxies=(first + "/pgt", second + "/pgt"))
        a = client(3, server, at["a"], proxy_callback=first + "/pgt")
        b = client(3, server, at["b"], proxy_callback=second + "/pgt")
        b.url_suffix = "p3/proxyValidate"
        c = client(3, server, at["c"])
        c.url_suffix = "p3/proxyValidate"
        made = ticket_in(come_in(requests.Session(), a.get_login_url()))
        user, _, iou = a.verify_ticket(made)
        to_b = b.get_proxy_ticket(one.sent[iou])
        user_at_b, _, iou = b.verify_ticket(to_b)
        user_at_c, attributes, _ = c.verify_ticket(c.get_proxy_ticket(two.sent[iou]))
        assert user == user_at_b == user_at_c == account_id
        assert attributes["name"] == "王小明"
        with pytest.raises(CASError):
            c.get_proxy_ticket("PGT-made-up")
