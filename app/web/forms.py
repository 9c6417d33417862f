"""Forms of our own pages: only what such a page sent is taken.

A form carries a token that is signed for a cookie of the browser (a signed double submit), and
the browser must not say that another site sent it (Fetch Metadata). That holds where nobody is
signed in too: signing somebody in behind their back is an attack as well.
"""

from __future__ import annotations

import secrets
from typing import Any, TypeVar

import msgspec
from flask import Flask, Response, request

from app.cursors import Cursors
from app.errors import ForbiddenError, InvalidError, UnknownCursorError
from app.web.arguments import fault_of

COOKIE = "kaijuan_form"
FIELD = "form_token"
_LIFE = 24 * 3600
T = TypeVar("T", bound=msgspec.Struct)


class Forms:
    """Makes the tokens of forms and reads what comes back."""

    def __init__(self, cursors: Cursors, public_url: str | None) -> None:
        self._cursors, self._public_url = cursors, public_url

    def token(self) -> str:
        """The token for a form that is shown now."""
        return self._cursors.seal(["form", self.browser()], True)

    def browser(self) -> str:
        """What the browser is known by from page to page; the answer brings it, if need be."""
        known = request.cookies.get(COOKIE) or request.environ.get("kaijuan.form")
        request.environ["kaijuan.form"] = known or secrets.token_urlsafe(16)
        return str(request.environ["kaijuan.form"])

    def read(self, kind: type[T]) -> T:
        """The form as its struct; what was left empty is left out.

        :raises ForbiddenError: when no page of ours sent it.
        :raises InvalidError: for a field that is not right.
        """
        require_same_site(self._public_url)
        browser = request.cookies.get(COOKIE, "")
        try:
            known = self._cursors.open(["form", browser], request.form.get(FIELD))
        except UnknownCursorError:
            known = None
        if not browser or known is not True:
            raise ForbiddenError("form", "The page was open for too long. Load it again.")
        given: dict[str, Any] = {
            name: value for name, value in request.form.items() if name != FIELD and value != ""
        }
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidError(fault_of(error, "form")) from error


def require_same_site(public_url: str | None) -> None:
    """Asks that a page of ours sent the request (Fetch Metadata, or Origin where that is missing).

    :raises ForbiddenError: when another site did, or nobody says.
    """
    site = request.headers.get("Sec-Fetch-Site")
    ours = public_url or request.host_url.rstrip("/")
    if site in ("same-origin", "none") or (site is None and request.headers.get("Origin") == ours):
        return
    raise ForbiddenError("same-origin", "Changes with a cookie are taken from our own pages only.")


def install(app: Flask, *, is_secure: bool) -> None:
    """Hands browsers the cookie that their forms' tokens are signed for."""

    def keep(response: Response) -> Response:
        browser = request.environ.get("kaijuan.form")
        if browser and browser != request.cookies.get(COOKIE):
            response.set_cookie(
                COOKIE,
                browser,
                max_age=_LIFE,
                httponly=True,
                samesite="Strict",
                secure=is_secure or request.is_secure,
            )
        return response

    app.after_request(keep)
