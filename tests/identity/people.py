"""People at the door: their browsers, what reaches them, and their second factors."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
from flask.testing import FlaskClient
from house import House
from werkzeug.test import TestResponse

from app.database import now
from app.identity import accounts, passwords, tree
from app.identity.documents import TO_SIGN_UP, agreed
from app.identity.handles import normal
from app.identity.services import attaching, keeping
from app.identity.services.audit import SYSTEM, Actor

API = "/api/v1"
AGREED = agreed(*TO_SIGN_UP)
"""To what who signs up agrees."""
SITE = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "满纸荒唐言，一把辛酸泪"
HOME, AWAY = "203.0.113.7", "198.51.100.9"


class Browser:
    """A browser of its own, in some network."""

    def __init__(self, house: House, address: str = HOME) -> None:
        self.house = house
        self.client: FlaskClient = house.app.test_client()
        self.address = address

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """A request of a page of ours."""
        given = {**SITE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        environ = {"REMOTE_ADDR": self.address}
        return self.client.open(
            API + path, method=method, json=body, headers=given, environ_base=environ
        )

    def post(self, path: str, **body: Any) -> TestResponse:
        """What a form of an app sends."""
        return self.send("POST", path, body)

    def json(self, path: str) -> Any:
        """What is read."""
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def sign_in(self, handle: str, password: str = PASSWORD) -> TestResponse:
        """By a password."""
        return self.post("/session/password", handle=handle, password=password)

    def ask(self, purpose: str, handle: str) -> tuple[str, str]:
        """A ticket, and the code that came for it (empty when none came)."""
        answer = self.post("/codes", purpose=purpose, handle=handle)
        assert answer.status_code == 202, answer.text
        return answer.json["ticket"], received(self.house)  # type: ignore[index]

    @property
    def cookie(self) -> str:
        """The secret of the session."""
        found = self.client.get_cookie("kaijuan")
        return found.value if found else ""


def received(house: House) -> str:
    """The code that comes now; the worker has nothing more to do then."""
    ways = (house.adapters.mail.sent, house.adapters.sms.sent)  # type: ignore[attr-defined]
    before = [len(way) for way in ways]
    house.work()
    fresh = [one.text for way, old in zip(ways, before, strict=True) for one in way[old:]]
    codes = [found[0] for text in fresh if (found := re.search(r"\d{6}", text))]
    assert len(codes) < 2, "one code at a time is asked for"
    return codes[0] if codes else ""


def person(
    house: House, handle: str, role: str | None = None, password: str | None = PASSWORD
) -> str:
    """The id of an account that is signed in to by this handle."""
    kept = _hash(password) if password else None
    with house.database.transaction() as session:
        account = accounts.add_account(session, "王小明")
        sealer = house.adapters.sealer
        attaching.attach(session, sealer, SYSTEM, account.id, normal(handle), verified=True)
        if role:
            accounts.grant(session, account.id, role, tree.default(session).id)
        if kept:
            keeping.set_password(session, account.id, kept)
        keeping.welcome(session, Actor(account.id), account.id, AGREED, None)
    return account.id


_hashes: dict[str, str] = {}


def _hash(password: str) -> str:
    return _hashes.setdefault(password, passwords.hashed(password))


def link(house: House, account_id: str) -> str:
    """The secret of a link that works once."""
    with house.database.transaction() as session:
        return accounts.issue(session, account_id, "link", life=timedelta(hours=1))


class Device:
    """Shows codes, each step another."""

    def __init__(self, key: str) -> None:
        self._totp = pyotp.TOTP(key)
        self._shift = -1

    def code(self) -> str:
        """One that was not shown before; three can be had at a time."""
        step = int(now().timestamp()) // 30 + self._shift
        self._shift += 1
        return self._totp.generate_otp(step)


def enrol(browser: Browser) -> tuple[Device, list[str]]:
    """Sets up a second factor: the device, and the recovery codes."""
    begun = browser.post("/me/second-factor")
    assert begun.status_code == 201, begun.text
    device = Device(begun.json["key"])  # type: ignore[index]
    done = browser.send("PUT", "/me/second-factor", {"code": device.code()})
    assert done.status_code == 200, done.text
    return device, done.json["codes"]  # type: ignore[index]
