"""The page on which a person says whether a system may learn about them."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.errors import Fault, InvalidError
from app.identity.callers import session_of
from app.identity.models import Account
from app.identity.services.audit import actor_of
from app.pages.render import Site, link, onwards_to, page, passed_on
from app.pages.routes.entering import own_path
from app.permissions import Caller, Permission
from app.signon.routes.oauth import session_in
from app.signon.services import approvals, asking
from app.signon.services.provider import Provider
from app.signon.services.tokens import Tokens
from app.web.api import Endpoints
from app.web.forms import Forms

consent = Endpoints("pages.consent")
Next = Annotated[str, Meta(max_length=12000)]


class ConsentQuery(msgspec.Struct, frozen=True):
    """The request of the client, as our own address."""

    next: Next = ""


class ConsentForm(msgspec.Struct, frozen=True):
    """What the person says to it."""

    next: Next = ""
    answer: Literal["yes", "no"] = "no"


@consent.get("/consent", Permission.PUBLIC, json=False)
def show(
    session: Session,
    site: Site,
    forms: Forms,
    caller: Caller,
    cursors: Cursors,
    tokens: Tokens,
    query: ConsentQuery,
) -> Response:
    """Ask whether a client may know and do this."""
    known, params = session_in(caller), _params(query.next)
    if known is None:
        return onwards_to(link("/sign-in", next=query.next))
    provider = Provider(session, actor_of(caller), tokens)
    found = asking.still_asked(provider, cursors, params, known)
    if found is None:
        return onwards_to(query.next)
    name = session.get_one(Account, known.account_id).name
    answer = page(site, "consent.html", token=forms.token(), asked=found, name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@consent.post("/consent", Permission.SIGNED_IN, json=False)
def decide(
    session: Session,
    site: Site,
    caller: Caller,
    cursors: Cursors,
    tokens: Tokens,
    form: ConsentForm,
) -> Response:
    """Agree, or not."""
    known, params = session_of(caller), _params(form.next)
    provider = Provider(session, actor_of(caller), tokens)
    if form.answer == "no":
        denied = asking.deny(provider, cursors, params, known)
        return passed_on(site, denied.headers["Location"])
    found = asking.still_asked(provider, cursors, params, known)
    if found is not None:
        client_id = found.client.id
        approvals.give(session, provider.actor, known.account_id, client_id, found.scopes)
    return passed_on(site, form.next)


def _params(address: str) -> dict[str, list[str]]:
    """What a client asked for.

    :raises InvalidError: when the address is not that of such a request.
    """
    parts = urlsplit(own_path(address))
    if parts.path != asking.ADDRESS:
        raise InvalidError(Fault("next", "address", f"an address below {asking.ADDRESS}"))
    return parse_qs(parts.query)
