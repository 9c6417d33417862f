"""Coming in through WeChat: what works, and what of its answers is not believed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from house import House
from identity.people import PASSWORD, person
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.errors import InvalidError
from app.identity.models import Account, AuditEvent, Consent, Handle, Minor
from app.outgoing.ports import Incoming, Outgoing, OutgoingError
from app.signon.models import ProviderIdentity
from signon.elsewhere import SITE, Traveller, provider, said, town

HERE = "https://api.weixin.qq.com"
TOKEN = HERE + "/sns/oauth2/access_token"
APP = {"protocol": "wechat", "name": "微信", "address": HERE, "client_id": "wx0001",
       "secret": "the secret of tests", "assurance": 0}  # fmt: skip
PHONE = "13800001234"
BUTTON = "微信登录"


class WeChat:
    """WeChat as it answers: a code of ``codes`` is good once."""

    def __init__(self, house: House) -> None:
        self.house, self.web = house, town(house)
        self.codes: dict[str, dict[str, Any]] = {}
        self.answer: Incoming | None = None
        self.web.answers[TOKEN] = self._token
        self.provider = provider(house, "nation", **APP)
        self.reader = Traveller(house)

    def _token(self, asked: Outgoing) -> Incoming:
        query = dict(parse_qsl(urlsplit(asked.url).query))
        if query["appid"] != APP["client_id"] or query["secret"] != APP["secret"]:
            return said({"errcode": 40125, "errmsg": "invalid appsecret"})
        known = self.codes.pop(query["code"], {"errcode": 40029, "errmsg": "invalid code"})
        return self.answer or said(known)

    def code(self, **who: Any) -> str:
        """What WeChat has the browser bring once the person allowed it."""
        code = f"code{len(self.codes)}"
        about = {"access_token": "a", "refresh_token": "r", "expires_in": 7200}
        self.codes[code] = about | {"openid": "o-reader", "unionid": "u-reader"} | who
        return code

    def depart(self, reader: Traveller | None = None, **fields: str) -> str:
        """Where the button of the page sends a browser."""
        fields = {"provider": self.provider, **fields}
        went = (reader or self.reader).fill("/sign-in", "/sign-in/library", **fields)
        assert went.status_code == 200, went.text
        return str(went.headers["Refresh"]).removeprefix("0; url=")

    def through(self, reader: Traveller | None = None, **who: Any) -> TestResponse:
        """There and back."""
        reader = reader or self.reader
        return reader.back(self.provider, self.depart(reader), code=self.code(**who))

    def count(self, model: Any) -> int:
        with self.house.database.transaction(writes=False) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def audited(self) -> str:
        with self.house.database.transaction(writes=False) as session:
            return b"".join(
                session.scalars(select(AuditEvent.detail).order_by(AuditEvent.id))
            ).decode()


@pytest.fixture
def wechat(tmp_path: Path) -> Iterator[WeChat]:
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    yield WeChat(made)
    made.close()


def test_a_reader_is_sent_to_wechat_and_comes_in(wechat: WeChat) -> None:
    sent_to = wechat.depart(next="/subjects")
    page, asked = sent_to.partition("?")[0], dict(parse_qsl(urlsplit(sent_to).query))
    assert page == "https://open.weixin.qq.com/connect/qrconnect"
    assert sent_to.endswith("#wechat_redirect")
    assert (asked["appid"], asked["scope"]) == ("wx0001", "snsapi_login")
    assert asked["redirect_uri"].endswith(f"/sign-in/library/{wechat.provider}")
    assert asked["state"].isalnum()
    came = wechat.reader.back(wechat.provider, sent_to, code=wechat.code())
    assert (came.status_code, came.location) == (303, "/subjects")


def test_who_comes_through_wechat_is_known_by_nothing_yet(wechat: WeChat) -> None:
    wechat.through()
    with wechat.house.database.transaction(writes=False) as session:
        found = session.execute(select(Account.home_id, Account.assurance)).one()
    assert tuple(found) == (None, 0)
    assert wechat.count(Consent) == 2
    sessions = wechat.reader.client.get("/api/v1/me/sessions").json["items"]
    assert sessions[0]["methods"] == ["fed"]


def test_a_childs_account_is_one_from_the_beginning(wechat: WeChat) -> None:
    wechat.reader.back(wechat.provider, wechat.depart(born="2016"), code=wechat.code())
    assert wechat.count(Minor) == 1


def test_the_same_person_has_the_same_account(wechat: WeChat) -> None:
    wechat.through()
    again, other = Traveller(wechat.house), Traveller(wechat.house)
    wechat.through(again, openid="o-elsewhere")
    assert again.me["account"] == wechat.reader.me["account"]
    wechat.through(other, unionid="u-other")
    assert other.me["account"] != wechat.reader.me["account"]


def test_without_a_unionid_the_openid_counts_and_never_for_one(wechat: WeChat) -> None:
    wechat.through(openid="same", unionid=None)
    again, other = Traveller(wechat.house), Traveller(wechat.house)
    wechat.through(again, openid="same", unionid=None)
    assert again.me["account"] == wechat.reader.me["account"]
    wechat.through(other, unionid="same")
    assert other.me["account"] != wechat.reader.me["account"]


def test_nothing_else_of_the_answer_is_kept(wechat: WeChat) -> None:
    wechat.through(nickname="王小明", headimgurl="https://wx.example/1", access_token="at-1")
    with wechat.house.database.transaction(writes=False) as session:
        assert session.scalars(select(Account.name)).all() == ["读者"]
        assert "u-reader" not in session.scalars(select(ProviderIdentity.lookup)).one()
    assert wechat.count(Handle) == 0
    for word in ("王小明", "wx.example", "at-1", "u-reader", "o-reader"):
        assert word not in wechat.audited()


NOBODY = [
    (said({"errcode": 40029, "errmsg": "invalid code"}), "wechat-code"),
    (said({"errcode": 40163, "errmsg": "code been used"}), "wechat-code"),
    (said({"errcode": 40125, "errmsg": "invalid appsecret"}), "wechat-secret"),
    (said({"errcode": 48001, "errmsg": "api unauthorized"}), "wechat-refused"),
    (said({"errcode": 1, "openid": "o", "unionid": "u"}), "wechat-refused"),
    (said({"openid": ""}), "wechat-id"),
    (said({}), "wechat-id"),
    (said({"openid": "o", "unionid": ""}), "wechat-id"),
    (said({"openid": "o", "unionid": "x" * 129}), "wechat-id"),
    (said({"openid": "o:p"}), "wechat-id"),
    (Incoming(200, b'{"openid": "\\ud800"}'), "wechat-form"),
    (said({"openid": 7}), "wechat-form"),
    (said(["o"]), "wechat-form"),
    (Incoming(200, b"<html>"), "wechat-form"),
    (Incoming(200, b"[" * 10_000), "wechat-form"),
    (Incoming(200, b"\xff\xfe"), "wechat-form"),
    (Incoming(302, b"", {"location": HERE}), "wechat-status"),
    (Incoming(500, b'{"openid": "o"}'), "wechat-status"),
]


def test_an_answer_that_names_nobody_lets_nobody_in(wechat: WeChat) -> None:
    for wechat.answer, _ in NOBODY:
        came = wechat.through()
        assert (came.status_code, wechat.reader.me) == (403, None), wechat.answer
    assert wechat.count(Account) == 0
    reasons = re.findall(r'"reason":"(wechat-[a-z]+)"', wechat.audited())
    assert reasons == [reason for _, reason in NOBODY]


def endless(asked: Outgoing) -> Incoming:
    assert asked.most <= 16 * 1024  # what HTTP takes of it (test_hostile_providers)
    raise OutgoingError("the answer is too large")


def busy(_: Outgoing) -> Incoming:
    return said({"errcode": -1, "errmsg": "system error"})


@pytest.mark.parametrize("answer", [endless, busy])
def test_when_wechat_is_away_one_is_told_to_come_again(wechat: WeChat, answer: Any) -> None:
    wechat.web.answers[TOKEN] = answer
    assert (wechat.through().status_code, wechat.reader.me) == (503, None)


def test_a_state_is_good_once(wechat: WeChat) -> None:
    sent_to = wechat.depart()
    cookie = wechat.reader.client.get_cookie("kaijuan_trip")
    assert wechat.reader.back(wechat.provider, sent_to, code=wechat.code()).status_code == 303
    wechat.reader.client.set_cookie("kaijuan_trip", cookie.value)  # type: ignore[union-attr]
    again = wechat.reader.back(wechat.provider, sent_to, code=wechat.code())
    assert (again.status_code, len(wechat.web.asked)) == (403, 1)


def test_nobody_is_signed_in_by_a_link_that_another_sends_them(wechat: WeChat) -> None:
    sent_to = wechat.depart(Traveller(wechat.house))
    for began in (False, True):
        if began:
            wechat.depart()
        came = wechat.reader.back(wechat.provider, sent_to, code=wechat.code())
        assert (came.status_code, wechat.reader.me) == (403, None)
    assert wechat.web.asked == []


def test_without_a_code_nobody_is_asked(wechat: WeChat) -> None:
    came = wechat.reader.back(wechat.provider, wechat.depart())
    assert (came.status_code, wechat.web.asked) == (403, [])


def test_where_it_is_suspended_nobody_comes_and_nobody_is_offered_it(wechat: WeChat) -> None:
    assert BUTTON in wechat.house.get("/sign-in")
    sent_to = wechat.depart()
    staff = wechat.house.token("librarian", "nation")
    at = f"/api/v1/libraries/nation/providers/{wechat.provider}/suspension"
    assert wechat.house.client.put(at, headers=staff).status_code == 204
    assert BUTTON not in wechat.house.get("/sign-in")
    came = wechat.reader.back(wechat.provider, sent_to, code=wechat.code())
    assert (came.status_code, wechat.web.asked) == (404, [])


def test_wechat_is_no_library_to_choose(wechat: WeChat) -> None:
    wechat.through()  # it is not remembered as one's library either
    page = wechat.reader.client.get("/sign-in/library").text
    assert wechat.provider not in page


def sign_in(wechat: WeChat) -> None:
    body = {"handle": PHONE, "password": PASSWORD}
    wechat.reader.client.post("/api/v1/session/password", json=body, headers=SITE)


def test_who_is_signed_in_connects_wechat_and_takes_it_away(wechat: WeChat) -> None:
    account = person(wechat.house, PHONE)
    sign_in(wechat)
    here = ("/account/data", "/account/data/identities")
    went = wechat.reader.fill(*here, provider=wechat.provider)
    sent_to = went.headers["Refresh"].removeprefix("0; url=")
    wechat.reader.back(wechat.provider, sent_to, code=wechat.code())
    again = Traveller(wechat.house)
    wechat.through(again)
    assert again.me["account"] == account
    gone = f"/api/v1/me/identities/{wechat.provider}"
    assert wechat.reader.client.delete(gone, headers=SITE).status_code == 204
    wechat.through(stranger := Traveller(wechat.house))
    assert stranger.me["account"] != account


def test_the_secret_stands_in_nothing_that_is_kept_or_said(
    wechat: WeChat, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = wechat.through().text
    wechat.answer = said({"errcode": 40125, "errmsg": f"not {APP['secret']}"})
    pages += wechat.through().text
    wechat.web.answers[TOKEN] = endless
    pages += wechat.through().text + repr(wechat.web.asked)
    logs = "".join([*capfd.readouterr(), caplog.text, str([vars(r) for r in caplog.records])])
    assert "/sign-in/library/<provider_id>" in logs
    for form in ("of tests", "of+tests", "o-reader", "u-reader"):
        assert form not in pages + logs + wechat.audited()
    assert "code0" not in logs


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("north", {}), ("nation", {"secret": None}), ("nation", {"assurance": 1}),
    ("nation", {"client_id": ""}), ("nation", {"address": "http://wechat.example.org"}),
]  # fmt: skip


def test_what_cannot_be_right_is_refused(wechat: WeChat) -> None:
    for library, wrong in WRONG:
        with pytest.raises(InvalidError):
            provider(wechat.house, library, **APP | {"address": "https://wx.example.org"} | wrong)


def test_wechat_is_tried_by_a_code_that_it_never_gave(wechat: WeChat) -> None:
    staff = wechat.house.token("librarian", "nation")
    at = f"/api/v1/libraries/nation/providers/{wechat.provider}"
    assert wechat.house.send("POST", at + "/test", None, staff).json["works"]
    wechat.house.send("PUT", at + "/secret", {"secret": "another"}, staff)
    assert wechat.house.send("POST", at + "/test", None, staff).status_code == 403
