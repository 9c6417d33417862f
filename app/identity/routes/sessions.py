"""Signing in by a link that works once, knowing oneself, and signing out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response, request
from msgspec import Meta
from sqlalchemy.orm import Session

from app.config import Settings
from app.errors import UnauthenticatedError
from app.identity import accounts
from app.identity.callers import COOKIE
from app.identity.models import Account
from app.identity.schemas import Me
from app.permissions import Caller, Permission
from app.web.api import Endpoints

sessions = Endpoints("identity.sessions")


class SignInLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret of a link that works once."""

    secret: Annotated[str, Meta(min_length=20, max_length=100)]


@sessions.post("/api/v1/session", Permission.PUBLIC, status=201)
def begin(session: Session, settings: Settings, body: SignInLink) -> Me:
    """Trade a first sign-in link for a session cookie."""
    secret = accounts.use_link(session, body.secret)
    found = accounts.find(session, secret, "session")
    if found is None:
        raise UnauthenticatedError
    account, grants = found
    request.environ["kaijuan.session"] = secret
    # TLS may end at a proxy: what the reader's browser speaks stands in the settings.
    request.environ["kaijuan.secure"] = (settings.public_url or "").startswith("https:")
    return Me(account.id, account.name, sorted({role for role, _ in grants}))


@sessions.get("/api/v1/me", Permission.SIGNED_IN)
def show(session: Session, caller: Caller) -> Me:
    """Who is signed in."""
    account = session.get_one(Account, caller.account_id)
    roles = sorted({role for role, _ in getattr(caller, "grants", ())})
    return Me(account.id, account.name, roles)


@sessions.delete("/api/v1/session", Permission.SIGNED_IN)
def end(session: Session) -> None:
    """Sign out."""
    accounts.revoke(session, request.cookies.get(COOKIE, ""))
    request.environ["kaijuan.session"] = ""


def keep_cookie(response: Response) -> Response:
    """Hands the session's secret to the browser alone, once it is committed."""
    secret = request.environ.get("kaijuan.session")
    if secret is not None and response.status_code < 400:
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(accounts.SESSION_LIFE.total_seconds()) if secret else 0,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure or request.environ.get("kaijuan.secure", False),
        )
    return response
