"""Signing out where a system sends the person (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response, request
from msgspec import Meta
from sqlalchemy.orm import Session
from werkzeug.urls import iri_to_uri

from app.errors import InvalidError, KaijuanError
from app.identity.accounts import Known
from app.identity.callers import known_of
from app.identity.routes import visits
from app.identity.services import sessions
from app.pages.render import Site, link, onwards_to, page
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.signon.services import leaving
from app.signon.services.leaving import Asked, Leaving
from app.signon.services.tokens import Tokens
from app.web.api import Endpoints
from app.web.forms import Forms

logout = Endpoints("pages.leaving", "/oauth2/logout")
PUBLIC = Permission.PUBLIC
Text = Annotated[str, Meta(max_length=2000)]
Token = Annotated[str, Meta(max_length=8000)]


class LeavingQuery(msgspec.Struct, frozen=True):
    """What a system says (§2); what else it may say changes nothing here."""

    id_token_hint: Token = ""
    client_id: Text = ""
    post_logout_redirect_uri: Text = ""
    state: Text = ""

    @property
    def asked(self) -> Asked:
        """The same, as the service takes it."""
        return Asked(self.id_token_hint, self.client_id, self.post_logout_redirect_uri, self.state)


@logout.get("", PUBLIC, json=False, writes=True)
def leave(
    session: Session, site: Site, forms: Forms, tokens: Tokens, caller: Caller, query: LeavingQuery
) -> Response:
    """Sign out, at once where the system shows an ID token of this session; else it is asked."""
    known = _session(caller)
    try:
        asked = leaving.understand(session, tokens, known, query.asked)
    except InvalidError as error:
        return _shown(site, forms, "refused", status_of(error), trouble=trouble_of(error))
    if known is not None and not asked.is_meant:
        hidden = {name: value for name, value in msgspec.structs.asdict(query).items() if value}
        return _shown(site, forms, "asked", client=asked.client, hidden=hidden)
    _end(session, caller)
    if asked.onwards:
        return onwards_to(iri_to_uri(asked.onwards))
    return _left(site, forms, asked)


@logout.post("", PUBLIC, json=False)
def leave_by_form(query: LeavingQuery) -> Response:
    """The same, sent by a form of the system: our cookie comes with the next request only."""
    given = {name: request.form.get(name, "") for name in LeavingQuery.__struct_fields__}
    return onwards_to(link("/oauth2/logout", **{**msgspec.structs.asdict(query), **given}))


@logout.post("/confirm", PUBLIC, json=False)
def confirm(
    session: Session, site: Site, forms: Forms, tokens: Tokens, caller: Caller, form: LeavingQuery
) -> Response:
    """Sign out, as the person said."""
    try:
        asked = leaving.understand(session, tokens, None, form.asked)
    except KaijuanError as error:
        return _shown(site, forms, "refused", status_of(error), trouble=trouble_of(error))
    _end(session, caller)
    return _left(site, forms, asked)


def _session(caller: Caller) -> Known | None:
    """The session of a browser, half-open ones too."""
    found = getattr(caller, "known", None)
    return known_of(caller) if found is not None and found.kind == "session" else None


def _end(session: Session, caller: Caller) -> None:
    if old := visits.visit_of(caller).session:
        sessions.sign_out(session, old)
    visits.forget()


def _left(site: Site, forms: Forms, asked: Leaving) -> Response:
    """That it is done. The page goes on by itself: no form of ours may lead elsewhere."""
    answer = _shown(site, forms, "done", client=asked.client, onwards=asked.onwards)
    if asked.onwards:
        answer.headers["Refresh"] = f"0; url={iri_to_uri(asked.onwards)}"
    return answer


def _shown(site: Site, forms: Forms, what: str, status: int = 200, **shown: Any) -> Response:
    known: dict[str, Any] = {"client": None, "hidden": {}, "onwards": None, "trouble": None}
    answer = page(site, "leaving.html", status, what=what, token=forms.token(), **known | shown)
    answer.headers["Cache-Control"] = "no-store"
    return answer
