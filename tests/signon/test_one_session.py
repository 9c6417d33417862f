"""One session: OpenID Connect in one system, CAS in another, the web app as the third."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from house import House
from identity.people import PASSWORD, SITE, Browser, person
from werkzeug.test import TestResponse

from app.outgoing.memory import MemoryWeb
from app.outgoing.ports import Incoming, Outgoing
from signon import cas_systems, ends

PHONE = "13800001234"


@dataclass
class Systems:
    """A portal by OpenID Connect and an archive by CAS, each with sessions of its own."""

    house: House
    web: MemoryWeb
    portal: str = ""
    hint: str = ""
    portal_sessions: set[str] = field(default_factory=set)
    archive_sessions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.portal = ends.system(self.house)
        cas_systems.system(self.house, name="档案馆")
        self.web.answers[ends.TOLD] = self.portal_told
        self.web.answers[cas_systems.PORTAL] = self.archive_told

    def portal_told(self, asked: Outgoing) -> Incoming:
        """Ends the session that the token names."""
        token = ends.form_of(asked)["logout_token"]
        self.portal_sessions.discard(ends.claims(self.house, token, "logout+jwt")["sid"])
        return Incoming(200, b"")

    def archive_told(self, asked: Outgoing) -> Incoming:
        """Ends the session that the ticket began."""
        told = ends.form_of(asked)["logoutRequest"]
        found = re.search("<samlp:SessionIndex>([^<]+)<", told)
        assert found
        self.archive_sessions.discard(found[1])
        return Incoming(200, b"")

    def enter_portal(self, browser: Browser) -> None:
        """The person opens the portal."""
        self.hint = ends.sign_on(browser, self.portal)["id_token"]
        self.portal_sessions.add(ends.claims(self.house, self.hint, "JWT")["sid"])

    def enter_archive(self, browser: Browser) -> None:
        """The person opens the archive."""
        ticket = cas_systems.ticket(browser)
        cas_systems.ask(self.house, service=cas_systems.PORTAL, ticket=ticket)
        self.archive_sessions.add(ticket)


@pytest.fixture
def systems(house: House) -> Systems:
    person(house, PHONE)
    return Systems(house, ends.connected(house))


def send(browser: Browser, page: str, action: str, **fields: str) -> TestResponse:
    """Loads a page and sends its form."""
    form = re.search(
        rf'<form[^>]*action="{action}".*?</form>', browser.client.get(page).text, re.DOTALL
    )
    assert form, f"{page} has no form to {action}"
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return browser.client.post(action, data=hidden | fields, headers=SITE)


def sign_in(browser: Browser) -> None:
    """The one time that the password is entered."""
    assert send(browser, "/sign-in", "/sign-in", handle=PHONE, password=PASSWORD).status_code == 303


def from_the_portal(systems: Systems, browser: Browser) -> None:
    asked = {"id_token_hint": systems.hint, "post_logout_redirect_uri": ends.BACK}
    assert browser.client.get("/oauth2/logout", query_string=asked).location == ends.BACK


def from_the_archive(systems: Systems, browser: Browser) -> None:
    asked = {"service": cas_systems.PORTAL}
    answer = browser.client.get("/cas/logout", query_string=asked)
    assert answer.location == cas_systems.PORTAL


def from_the_web_app(systems: Systems, browser: Browser) -> None:
    assert send(browser, "/account", "/sign-out").location == "/"


WAYS: list[Callable[[Systems, Browser], None]] = [
    from_the_portal, from_the_archive, from_the_web_app,
]  # fmt: skip


@pytest.mark.parametrize("sign_out", WAYS)
def test_the_password_is_asked_for_once_and_signing_out_of_one_ends_all(
    systems: Systems, sign_out: Callable[[Systems, Browser], None]
) -> None:
    browser = Browser(systems.house)
    sign_in(browser)
    systems.enter_portal(browser)
    systems.enter_archive(browser)
    assert browser.json("/me")["handles"]
    page = browser.client.get("/account/devices").text
    assert all(f"<b>{name}</b>" in page for name in ("读者门户", "档案馆")), (
        "where one is signed on"
    )
    assert systems.portal_sessions
    assert systems.archive_sessions
    sign_out(systems, browser)
    ends.tell(systems.house)
    assert (systems.portal_sessions, systems.archive_sessions) == (set(), set())
    assert browser.send("GET", "/me").status_code == 401
    assert cas_systems.login(browser).location.startswith("/sign-in")


def test_signing_out_on_one_device_leaves_the_other(systems: Systems) -> None:
    phone, tablet = Browser(systems.house), Browser(systems.house)
    for browser in (phone, tablet):
        sign_in(browser)
        systems.enter_portal(browser)
        systems.enter_archive(browser)
    assert (len(systems.portal_sessions), len(systems.archive_sessions)) == (2, 2)
    from_the_web_app(systems, phone)
    ends.tell(systems.house)
    assert (len(systems.portal_sessions), len(systems.archive_sessions)) == (1, 1)
    assert tablet.send("GET", "/me").status_code == 200
