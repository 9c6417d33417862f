"""Where a person lets in an app on a television or an e-reader (RFC 8628 §3.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from flask import Response
from msgspec import Meta

from app.database import Database
from app.errors import KaijuanError
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.services.limits import Limiter, network_of
from app.pages.render import Site, link, onwards_to, page
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.signon.services import device_flow
from app.web.api import Endpoints
from app.web.forms import Forms

device = Endpoints("pages.device", "/device")
SIGNED_IN = Permission.SIGNED_IN
Text = Annotated[str, Meta(max_length=64)]
TRIES = "device-codes"


class DeviceQuery(msgspec.Struct, frozen=True):
    """The code, where the device shows an address with it (RFC 8628 §3.3.1)."""

    user_code: Text = ""
    done: Literal["", "approved", "refused"] = ""


class CodeForm(msgspec.Struct, frozen=True):
    """The code as it was entered."""

    code: Text = ""


class AnswerForm(msgspec.Struct, frozen=True):
    """The code, and what the person decided."""

    answer: Literal["approve", "refuse"]
    code: Text = ""


@device.get("", Permission.PUBLIC, json=False)
def show(site: Site, forms: Forms, caller: Caller, query: DeviceQuery) -> Response:
    """Where the code of a device is entered."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=link("/device", user_code=query.user_code)))
    return _shown(site, forms, code=query.user_code, done=query.done)


@device.post("", SIGNED_IN, json=False, problems=(429,))
def look(
    database: Database, site: Site, forms: Forms, limiter: Limiter, sealer: Sealer,
    caller: Caller, form: CodeForm,
) -> Response:  # fmt: skip
    """See which app asks, and from where."""
    session_of(caller)
    try:
        _count(limiter, caller)
        with database.transaction(writes=False) as session:
            waiting = device_flow.waiting(session, sealer, form.code)
    except KaijuanError as error:
        return _refused(site, forms, error, form.code)
    return _shown(site, forms, code=device_flow.grouped(form.code), waiting=waiting)


@device.post("/answer", SIGNED_IN, json=False, problems=(429,))
def answer(
    database: Database, site: Site, forms: Forms, limiter: Limiter, sealer: Sealer,
    caller: Caller, form: AnswerForm,
) -> Response:  # fmt: skip
    """Let the app in, or keep it out."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    decide = device_flow.approve if form.answer == "approve" else device_flow.refuse
    try:
        _count(limiter, caller)
        database.run(lambda s: decide(s, sealer, actor, known, form.code))
    except KaijuanError as error:
        return _refused(site, forms, error, form.code)
    return onwards_to(link("/device", done=f"{form.answer}d"))


def _count(limiter: Limiter, caller: Caller) -> None:
    """Codes are not to be guessed. A right one does not begin the count anew: who guesses may have
    codes of their own."""
    limiter.spend(TRIES, "account", caller.account_id or "")
    if network := network_of(caller.address):
        limiter.spend(TRIES, "address", network)


def _refused(site: Site, forms: Forms, error: KaijuanError, code: str) -> Response:
    return _shown(site, forms, status_of(error), code=code, trouble=trouble_of(error))


def _shown(site: Site, forms: Forms, status: int = 200, **shown: Any) -> Response:
    known: dict[str, Any] = {"code": "", "waiting": None, "done": "", "trouble": None}
    answer = page(site, "device.html", status, token=forms.token(), **known | shown)
    answer.headers["Cache-Control"] = "no-store"
    return answer
