"""The person behind a request: from where, on what device, with which cookies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, g, request
from sqlalchemy.orm import Session

from app.database import Database
from app.errors import KaijuanError
from app.identity import accounts
from app.identity.callers import COOKIE
from app.identity.services.entering import Entered
from app.identity.services.sessions import Visit
from app.permissions import Caller

DEVICE_COOKIE = "kaijuan_device"
DEVICE_LIFE = 180 * 24 * 3600
"""Seconds for which a device counts as its owner's."""
_BROWSERS = (("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"),
             ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS = (("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"),
            ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("Linux", "Linux"))  # fmt: skip


def visit_of(caller: Caller) -> Visit:
    """Who is at the door."""
    return Visit(
        address=caller.address,
        device=device_of(request.headers.get("User-Agent", "")),
        request_id=g.get("request_id", "")[:36],
        session=request.cookies.get(COOKIE),
        device_cookie=request.cookies.get(DEVICE_COOKIE),
    )


def device_of(agent: str) -> str:
    """What a browser says of itself, in the few words by which a person knows it again."""
    found = (
        next((name for mark, name in marks if mark in agent), "") for marks in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(name for name in found if name)


def keep(entered: Entered) -> None:
    """The answer hands the new session to the browser, once it is committed."""
    request.environ["kaijuan.session"] = entered.secret
    request.environ["kaijuan.device"] = entered.device_cookie


def forget() -> None:
    """The answer takes the session's cookie away."""
    request.environ["kaijuan.session"] = ""


def install(app: Flask, database: Database, *, is_secure: bool, read_only: bool) -> None:
    """Cookies are set after what they stand for; that a session is used is noted at the end."""

    def finish(response: Response) -> Response:
        given = request.environ.get("kaijuan.session")
        if given is not None and response.status_code < 400:
            shared: dict[str, Any] = {
                "httponly": True, "samesite": "Lax", "secure": is_secure or request.is_secure,
            }  # fmt: skip
            life = int(accounts.SESSION_LIFE.total_seconds()) if given else 0
            response.set_cookie(COOKIE, given, max_age=life, **shared)
            if device := request.environ.get("kaijuan.device"):
                response.set_cookie(DEVICE_COOKIE, device, max_age=DEVICE_LIFE, **shared)
        seen = request.environ.get("kaijuan.seen")
        if seen is not None and given is None and not read_only:
            response.call_on_close(lambda: _touch(database, seen))
        return response

    app.after_request(finish)


def _touch(database: Database, note: Callable[[Session], None]) -> None:
    """After the answer is sent: nobody waits for it, and nothing depends on it."""
    with suppress(KaijuanError):
        database.run(note)
