"""Coming in through one's own library: choosing it, being sent there, coming back."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated

import msgspec
from flask import Response, request
from msgspec import Meta
from sqlalchemy.orm import Session

from app.errors import KaijuanError
from app.identity.callers import known_of
from app.identity.documents import Purpose
from app.identity.routes import visits
from app.identity.services import consents
from app.pages.doing import shown
from app.pages.render import Site, link, onwards_to, passed_on
from app.pages.routes.entering import ELSEWHERE, VERSIONS, Next, born_in, own_path
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.signon.routes.providers import ProviderId
from app.signon.services import providers
from app.signon.services.arriving import LIFE, Arrivals, Arrived, Returned
from app.web.api import Endpoints
from app.web.forms import Forms

through_library = Endpoints("pages.through_library", "/sign-in/library")
PUBLIC = Permission.PUBLIC
HERE = "/sign-in/library"
TRIP_COOKIE = "kaijuan_trip"
LIBRARY_COOKIE = "kaijuan_library"
REMEMBERED = 180 * 24 * 3600
"""Seconds for which a browser's library is offered first."""
Departure = Callable[[str], str]
"""Where a browser, known by this, is to go."""
Words = Annotated[str, Meta(max_length=100)]
Brought = Annotated[str, Meta(max_length=2000)]


class ChoiceQuery(msgspec.Struct, frozen=True):
    """Words of a library's name, and where to go on afterwards."""

    q: Words = ""
    next: Next = "/"


class ChoiceForm(msgspec.Struct, frozen=True):
    """Which library's sign-on; to which texts a newcomer agrees by going there."""

    provider: Annotated[str, Meta(max_length=32)] = ""
    terms: Words = ""
    privacy: Words = ""
    born: Words = ""
    next: Next = "/"


class BackQuery(msgspec.Struct, frozen=True):
    """What a provider has a browser bring (RFC 6749 §4.1.2, RFC 9207; CAS 3.0.3 §2.2.4)."""

    state: Brought = ""
    code: Brought = ""
    ticket: Brought = ""
    iss: Brought = ""
    error: Brought = ""


@through_library.get("", PUBLIC, json=False)
def choose(session: Session, site: Site, forms: Forms, query: ChoiceQuery) -> Response:
    """Choosing one's library."""
    return _choosing(session, site, forms, query)


@through_library.post("", PUBLIC, json=False, problems=(429,))
def depart(
    site: Site, forms: Forms, caller: Caller, arrivals: Arrivals, form: ChoiceForm
) -> Response:
    """Be sent to one's library."""
    try:
        agreed = {str(Purpose.TERMS): form.terms, str(Purpose.PRIVACY): form.privacy}
        consents.require(agreed, "agreed")
        onwards, born = own_path(form.next), born_in(form.born)
        return sent(site, lambda browser: arrivals.depart(
            visits.visit_of(caller), browser, form.provider, onwards, born=born
        ))  # fmt: skip
    except KaijuanError as error:
        return _refused(site, forms, error)


@through_library.get("/<provider_id>", PUBLIC, json=False, writes=True, problems=(429,))
def arrive(
    site: Site,
    forms: Forms,
    caller: Caller,
    arrivals: Arrivals,
    provider_id: ProviderId,
    query: BackQuery,
) -> Response:
    """Come back from one's library."""
    back = Returned(
        provider_id,
        request.cookies.get(TRIP_COOKIE, ""),
        query.state,
        query.code or query.ticket,
        query.iss,
        query.error,
    )
    known = known_of(caller) if caller.account_id else None
    try:
        arrived = arrivals.arrive(visits.visit_of(caller), back, known)
    except KaijuanError as error:
        return _refused(site, forms, error)
    return _inside(site, forms, arrived)


def sent(site: Site, depart: Departure) -> Response:
    """The page that goes on to a provider; the browser keeps what it is known again by."""
    browser = secrets.token_urlsafe(32)  # what the browser had before may be another's to know
    answer = passed_on(site, depart(browser))
    _keep(answer, site, TRIP_COOKIE, browser, int(LIFE.total_seconds()))
    return answer


def _inside(site: Site, forms: Forms, arrived: Arrived) -> Response:
    """To where the person wanted to go; the library is remembered."""
    if arrived.proof:
        answer = shown(site, forms, "merging_found.html", proof=arrived.proof)
    elif arrived.entered is None:
        answer = onwards_to(arrived.onwards)
    else:
        visits.keep(arrived.entered)
        path = own_path(arrived.onwards)
        if arrived.entered.is_half_open:
            path = link("/sign-in/second-factor", next=path)
        answer = passed_on(site, path) if path.startswith(ELSEWHERE) else onwards_to(path)
        _keep(answer, site, LIBRARY_COOKIE, arrived.provider_id, REMEMBERED)
    answer.delete_cookie(TRIP_COOKIE)
    return answer


def _choosing(session: Session, site: Site, forms: Forms, query: ChoiceQuery) -> Response:
    remembered = request.cookies.get(LIBRARY_COOKIE, "")[:32]
    return shown(
        site,
        forms,
        "through_library.html",
        remembered=providers.choice(session, remembered) if remembered and not query.q else None,
        choices=providers.choices(session, query.q.strip()),
        agreed=VERSIONS,
        q=query.q,
        next=own_path(query.next),
    )


def _refused(site: Site, forms: Forms, error: KaijuanError) -> Response:
    trouble, status = trouble_of(error), status_of(error)
    return shown(site, forms, "library_refused.html", status, trouble=trouble)


def _keep(answer: Response, site: Site, name: str, value: str, seconds: int) -> None:
    """Lax, so that it comes back with the browser that a provider sends."""
    is_secure = (site.public_url or "").startswith("https:") or request.is_secure
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=is_secure)
