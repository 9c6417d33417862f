"""CAS for people: signing on to a system with a ticket, and signing out (CAS Protocol 3.0.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
from flask import Response, request
from msgspec import Meta
from sqlalchemy.orm import Session
from werkzeug.urls import iri_to_uri

from app.config import Settings
from app.cursors import Cursors
from app.database import Database, from_micros, now, to_micros
from app.errors import ForbiddenError, UnauthenticatedError, UnknownCursorError
from app.identity.accounts import Known
from app.identity.callers import session_of
from app.identity.models import Account
from app.identity.routes import visits
from app.identity.services import sessions
from app.identity.services.audit import Actor, actor_of
from app.pages.render import Site, link, onwards_to, page, passed_on, policy
from app.permissions import Caller, Permission
from app.signon import addresses
from app.signon.routes.cas import is_set
from app.signon.schemas import CasSettings, Scope
from app.signon.services import approvals, clients, tickets
from app.signon.services.clients import KnownClient
from app.signon.services.validating import unasked
from app.web.api import Endpoints, Limited
from app.web.forms import Forms

cas = Endpoints("pages.cas", "/cas")
PUBLIC = Permission.PUBLIC
ASKED = "kaijuan_cas"
"""The cookie of a browser that is asked to sign in for a service: which one, and since when."""
ASKED_LIFE = timedelta(minutes=15)
HERE = "/account"
LOGIN = "/cas/login"
Service = Annotated[str, Meta(max_length=2000)]


class LoginQuery(msgspec.Struct, frozen=True):
    """Where somebody wants to be signed on, and how (§2.1.1)."""

    service: Service = ""
    renew: str = ""
    gateway: str = ""
    method: str = ""


class ConsentForm(msgspec.Struct, frozen=True):
    """What a person says to a system that would learn about them, and where to go on."""

    next: str = ""
    answer: Literal["yes", "no"] = "no"


class LogoutQuery(msgspec.Struct, frozen=True):
    """Where to go on afterwards (§2.3.1)."""

    service: Service = ""


@cas.get("/login", PUBLIC, json=False, writes=True, limited=Limited("tickets"), problems=(429,))
def login(
    site: Site,
    forms: Forms,
    settings: Settings,
    database: Database,
    cursors: Cursors,
    caller: Caller,
    query: LoginQuery,
) -> Response:
    """Sign on to a system: with the session that there is, or after signing in."""
    known, renews = _session(caller), is_set(query.renew)
    if not query.service:
        is_inside = known is not None and not renews
        return onwards_to(HERE if is_inside else link("/sign-in", next=HERE))
    asked_as: str | None = None
    with database.transaction(writes=False) as session:
        client = clients.of_service(session, query.service)
        if client and known and unasked(session, client, known.account_id):
            asked_as = session.get_one(Account, known.account_id).name
    if client is None:
        return _refused(site, "cas.unknown", addresses.origin(query.service))
    is_new = known is not None and _signed_in_for_it(cursors, known, query.service)
    is_silent = is_set(query.gateway) and not renews
    if known is not None and (is_new or not renews) and not (is_silent and asked_as is not None):
        if asked_as is not None:
            return _asked_for_consent(site, forms, client, query, asked_as)
        actor = visits.visit_of(caller).actor(known.account_id)
        return _signed_on(site, database, actor, known, client, query, is_new=is_new)
    if is_silent:
        return onwards_to(iri_to_uri(query.service))
    return _asked(settings, cursors, query)


@cas.post("/consent", Permission.SIGNED_IN, json=False)
def decide(session: Session, site: Site, caller: Caller, form: ConsentForm) -> Response:
    """Agree that a system may know who one is, or not."""
    query = _query_of(form.next)
    client = clients.of_service(session, query.service) if query else None
    if form.answer == "no" or query is None or client is None:
        return onwards_to(HERE)
    scopes = (Scope.OPENID, *client.settings.scopes)
    account_id = session_of(caller).account_id
    approvals.give(session, actor_of(caller), account_id, client.id, scopes)
    return passed_on(site, _again(query))


@cas.get("/logout", PUBLIC, json=False, writes=True)
def logout(site: Site, database: Database, caller: Caller, query: LogoutQuery) -> Response:
    """Sign out here, and of every system that was signed on to."""
    secret = visits.visit_of(caller).session

    def end(session: Session) -> bool:
        if secret:
            sessions.sign_out(session, secret)
        return clients.of_service(session, query.service) is not None

    is_known = database.run(end)
    visits.forget()
    if is_known:
        return onwards_to(iri_to_uri(query.service))
    answer = page(site, "cas_signed_out.html")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _session(caller: Caller) -> Known | None:
    """Of whoever is signed in with one; half of the way in is not enough, a token neither."""
    try:
        known = session_of(caller)
    except (UnauthenticatedError, ForbiddenError):
        return None
    return known if caller.account_id is not None else None


def _asked_for_consent(
    site: Site, forms: Forms, client: KnownClient[CasSettings], query: LoginQuery, name: str
) -> Response:
    """Whether the person lets the system know who they are, before it does."""
    asked = {
        "client": client,
        "host": urlsplit(query.service).hostname,
        "scopes": (Scope.OPENID, *client.settings.scopes),
        "onwards": _again(query),
    }
    answer = page(
        site, "consent.html", token=forms.token(), asked=asked, name=name, action="/cas/consent"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _signed_on(
    site: Site,
    database: Database,
    actor: Actor,
    known: Known,
    client: KnownClient[CasSettings],
    query: LoginQuery,
    *,
    is_new: bool,
) -> Response:
    """To the service, with a ticket (§2.2.4, appendix B)."""

    def issue(session: Session) -> str:
        return tickets.for_service(
            session, actor, known, client.id, query.service, is_new_login=is_new
        )

    try:
        ticket = database.run(issue)
    except ForbiddenError:
        return _refused(site, "cas.suspended")
    except UnauthenticatedError:  # it has ended while we looked
        return onwards_to(_again(query))
    if query.method == "POST":
        answer = page(site, "cas_sent.html", name=client.name, to=query.service, ticket=ticket)
        goes = f"form-action {addresses.origin(query.service)}"
        answer.headers["Content-Security-Policy"] = policy(site).replace("form-action 'self'", goes)
        answer.headers["Cache-Control"] = "no-store"
    else:
        mark = "&" if "?" in query.service else "?"
        answer = onwards_to(iri_to_uri(f"{query.service}{mark}ticket={ticket}"))
    answer.delete_cookie(ASKED, path=LOGIN)
    return answer


def _asked(settings: Settings, cursors: Cursors, query: LoginQuery) -> Response:
    """To our own page for signing in; the browser remembers for which service, and since when."""
    answer = onwards_to(link("/sign-in", next=_again(query)))
    answer.set_cookie(
        ASKED,
        cursors.seal([ASKED, query.service], to_micros(now())),
        max_age=ASKED_LIFE,
        path=LOGIN,
        httponly=True,
        samesite="Lax",
        secure=(settings.public_url or "").startswith("https:") or request.is_secure,
    )
    return answer


def _signed_in_for_it(cursors: Cursors, known: Known, service: str) -> bool:
    """Whether the person signed in after this browser was asked to, for this service."""
    try:
        asked = cursors.open([ASKED, service], request.cookies.get(ASKED))
    except UnknownCursorError:
        return False
    if asked is None:
        return False
    since = from_micros(asked)
    return known.made_at >= since > now() - ASKED_LIFE


def _again(query: LoginQuery) -> str:
    return link(LOGIN, **msgspec.structs.asdict(query))


def _query_of(address: str) -> LoginQuery | None:
    """What :func:`_again` was made of; nothing of any other address."""
    try:
        parts = urlsplit(address)
        query = msgspec.convert(dict(parse_qsl(parts.query)), LoginQuery)
    except (ValueError, msgspec.ValidationError):
        return None
    return query if (parts.scheme, parts.netloc, parts.path) == ("", "", LOGIN) else None


def _refused(site: Site, why: str, where: str | None = None) -> Response:
    """Why nobody is sent anywhere (§2.2.1)."""
    answer = page(site, "cas_refused.html", 403, why=why, where=where)
    answer.headers["Cache-Control"] = "no-store"
    return answer
