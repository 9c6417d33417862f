"""CAS for systems: tickets are validated, and traded for proxy tickets (CAS Protocol 3.0.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from flask import Response
from msgspec import field

from app.errors import NoRoomError, TooManyError, UnavailableError
from app.identity.services.limits import Limiter, network_of
from app.permissions import Caller, Permission
from app.signon.cas_answers import (
    CasAnswer,
    Code,
    Failure,
    ProxyFailure,
    as_json,
    as_lines,
    as_xml,
)
from app.signon.services.validating import Asked, Validator
from app.web.api import Endpoints

cas = Endpoints("signon.cas", "/cas")
PUBLIC = Permission.PUBLIC


class ValidateQuery(msgspec.Struct, frozen=True):
    """A ticket, and the service that it was made for (§2.5.1)."""

    service: str = ""
    ticket: str = ""
    pgt_url: str = field(name="pgtUrl", default="")
    renew: str = ""
    format: str = "XML"


class ProxyQuery(msgspec.Struct, frozen=True):
    """A proxy-granting ticket, and the service that a proxy ticket is wanted for (§2.7.1)."""

    pgt: str = ""
    target: str = field(name="targetService", default="")
    format: str = "XML"


@dataclass(frozen=True, slots=True)
class _Form:
    """How answers are written."""

    media_type: str
    write: Callable[[CasAnswer], bytes]


_XML = _Form("application/xml; charset=utf-8", as_xml)
_FORMS = {"XML": _XML, "JSON": _Form("application/json", as_json)}
_LINES = _Form("text/plain; charset=utf-8", as_lines)


@cas.get("/validate", PUBLIC, json=False, writes=True)
def validate(
    validator: Validator, limiter: Limiter, caller: Caller, query: ValidateQuery
) -> Response:
    """Validate a service ticket, as CAS 1.0 does it."""
    asked = Asked(query.service, query.ticket, needs_new_login=is_set(query.renew))
    return _answer(limiter, caller, _LINES, Failure, lambda: validator.validate(asked))


@cas.get("/serviceValidate", PUBLIC, json=False, writes=True)
def service_validate(
    validator: Validator, limiter: Limiter, caller: Caller, query: ValidateQuery
) -> Response:
    """Validate a service ticket."""
    return _validated(validator, limiter, caller, query)


@cas.get("/proxyValidate", PUBLIC, json=False, writes=True)
def proxy_validate(
    validator: Validator, limiter: Limiter, caller: Caller, query: ValidateQuery
) -> Response:
    """Validate a service or a proxy ticket."""
    return _validated(validator, limiter, caller, query, takes_proxies=True)


@cas.get("/p3/serviceValidate", PUBLIC, json=False, writes=True)
def service_validate_with_attributes(
    validator: Validator, limiter: Limiter, caller: Caller, query: ValidateQuery
) -> Response:
    """Validate a service ticket, and learn about the person."""
    return _validated(validator, limiter, caller, query, tells=True)


@cas.get("/p3/proxyValidate", PUBLIC, json=False, writes=True)
def proxy_validate_with_attributes(
    validator: Validator, limiter: Limiter, caller: Caller, query: ValidateQuery
) -> Response:
    """Validate a service or a proxy ticket, and learn about the person."""
    return _validated(validator, limiter, caller, query, tells=True, takes_proxies=True)


@cas.get("/proxy", PUBLIC, json=False, writes=True)
def proxy(validator: Validator, limiter: Limiter, caller: Caller, query: ProxyQuery) -> Response:
    """Trade a proxy-granting ticket for a proxy ticket."""
    form = _FORMS.get(query.format.upper())
    if form is None:
        return _sent(_XML, ProxyFailure(Code.INVALID_REQUEST, "'format' is XML or JSON."))
    return _answer(
        limiter, caller, form, ProxyFailure, lambda: validator.proxy(query.pgt, query.target)
    )


def is_set(flag: str) -> bool:
    """Whether a parameter is set that needs no value (§2.1.1)."""
    return flag not in ("", "false")


def _validated(
    validator: Validator,
    limiter: Limiter,
    caller: Caller,
    query: ValidateQuery,
    *,
    tells: bool = False,
    takes_proxies: bool = False,
) -> Response:
    form = _FORMS.get(query.format.upper())
    if form is None:
        return _sent(_XML, Failure(Code.INVALID_REQUEST, "'format' is XML or JSON."))
    asked = Asked(
        query.service,
        query.ticket,
        callback=query.pgt_url,
        needs_new_login=is_set(query.renew),
        takes_proxies=takes_proxies,
        wants_attributes=tells,
    )
    return _answer(limiter, caller, form, Failure, lambda: validator.validate(asked))


def _answer(
    limiter: Limiter,
    caller: Caller,
    form: _Form,
    refuse: type[Failure] | type[ProxyFailure],
    work: Callable[[], CasAnswer],
) -> Response:
    """What ``work`` answers, in the protocol's own form; tickets are not to be guessed."""
    try:
        if network := network_of(caller.address):
            limiter.spend("tickets", "address", network)
        return _sent(form, work())
    except TooManyError as error:
        refusal = _sent(form, refuse(Code.INTERNAL_ERROR, str(error)), 429)
        refusal.headers["Retry-After"] = str(error.retry_after)
    except (UnavailableError, NoRoomError) as error:
        refusal = _sent(form, refuse(Code.INTERNAL_ERROR, "Try again in a moment."), 503)
        refusal.headers["Retry-After"] = str(error.retry_after)
    return refusal


def _sent(form: _Form, answer: CasAnswer, status: int = 200) -> Response:
    response = Response(form.write(answer), status, content_type=form.media_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
