"""WeChat sign-in: a code that a person allowed on their phone, shown to WeChat, says who it is.

WeChat Open Platform, website application sign-in (网站应用微信登录). It is OAuth 2.0 of a kind: the
secret goes in the query, refusals come with status 200, and there is no PKCE and no ID token. Of
the answer only the person's id is read: no token, no name, no picture.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

import msgspec

from app.errors import UnavailableError
from app.outgoing.ports import Outgoing, Web
from app.signon.disbelief import DisbeliefError, asked, decoded
from app.signon.services.providers import KnownProvider

PAGE = "https://open.weixin.qq.com/connect/qrconnect"
"""Where everybody's WeChat shows the code to be scanned."""
LONGEST_CODE = 512
MOST = 16 * 1024
"""Bytes of an answer."""
BUSY = -1
REFUSALS = {
    40013: "appid",
    40125: "secret",
    41002: "appid",
    41004: "secret",
    40029: "code",
    40163: "code",
    41008: "code",
    42003: "code",
}
"""WeChat's return codes (全局返回码): what is wrong, or missing, or was used before."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class _Answer(msgspec.Struct, frozen=True):
    """What is looked at: who it is to all applications of ours, and to this one."""

    openid: str = ""
    unionid: str | None = None
    errcode: int = 0


def login(provider: KnownProvider, callback: str, state: str) -> str:
    """Where the browser is sent."""
    asks = {
        "appid": provider.client_id,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "snsapi_login",
        "state": state,
    }
    return f"{PAGE}?{urlencode(asks)}#wechat_redirect"


def subject(web: Web, provider: KnownProvider, code: str) -> str:
    """Who allowed it: the same to every application of ours (unionid), else to this one (openid).

    :raises UnavailableError: without an answer. :raises DisbeliefError: when it is nobody.
    """
    found = _answered(web, provider, code)
    if found.errcode:
        raise DisbeliefError(f"wechat-{REFUSALS.get(found.errcode, 'refused')}")
    said = (found.openid,) if found.unionid is None else (found.openid, found.unionid)
    if not all(_ID.fullmatch(one) for one in said):
        raise DisbeliefError("wechat-id")
    if found.unionid is None:
        return f"openid:{provider.client_id}:{found.openid}"
    return f"unionid:{found.unionid}"


def check(web: Web, provider: KnownProvider) -> None:
    """That WeChat knows our application, and refuses a code that it never gave.

    :raises UnavailableError: without an answer. :raises DisbeliefError: when it answers otherwise.
    """
    refused = REFUSALS.get(_answered(web, provider, "none").errcode, "refused")
    if refused != "code":
        raise DisbeliefError(f"wechat-{refused}")


def _answered(web: Web, provider: KnownProvider, code: str) -> _Answer:
    if not 0 < len(code) <= LONGEST_CODE:
        raise DisbeliefError("wechat-code")
    asks = {
        "appid": provider.client_id,
        "secret": provider.secret or "",
        "code": code,
        "grant_type": "authorization_code",
    }
    there = f"{provider.address.rstrip('/')}/sns/oauth2/access_token?{urlencode(asks)}"
    answer = asked(web, Outgoing("GET", there, {"Accept": "application/json"}, most=MOST), "wechat")
    found = decoded(answer.body, _Answer, "wechat")
    if found.errcode == BUSY:
        raise UnavailableError("WeChat")
    return found
