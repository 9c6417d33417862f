"""Pages on which two accounts of one person become one: shown, named, done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database
from app.errors import KaijuanError
from app.identity import handles, tree
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.services import merging as services
from app.identity.services import proving
from app.identity.services.entering import Entrance
from app.pages.doing import shown
from app.pages.render import Site, link, onwards_to
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Endpoints
from app.web.forms import Forms

merging = Endpoints("pages.merging", "/account/merging")
SIGNED_IN = Permission.SIGNED_IN
Text = Annotated[str, Meta(max_length=500)]


class PasswordForm(msgspec.Struct, frozen=True):
    """What the other account is signed in to by."""

    handle: Text = ""
    password: Text = ""
    library: Text = ""
    factor: Text = ""


class AskForm(msgspec.Struct, frozen=True):
    """Where a code is to be sent."""

    handle: Text = ""


class CodeForm(msgspec.Struct, frozen=True):
    """The code, and the other account's second factor where it has one."""

    ticket: Text = ""
    to: Text = ""
    code: Text = ""
    factor: Text = ""


class ProofForm(msgspec.Struct, frozen=True):
    """That both are one's own."""

    proof: Text = ""


@merging.get("", SIGNED_IN, json=False)
def show(site: Site, forms: Forms, caller: Caller) -> Response:
    """Where one shows that another account is one's own too."""
    return _start(site, forms, is_fresh=session_of(caller).is_fresh)


@merging.post("/password", SIGNED_IN, json=False, problems=(429,))
def by_password(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: PasswordForm
) -> Response:
    """Show it by the other account's password: what merging would do."""
    known, visit = session_of(caller), visits.visit_of(caller)

    def prove() -> str:
        handle = handles.normal(form.handle, form.library or None)
        return proving.by_password(entrance, visit, known, handle, form.password, form.factor)

    said: dict[str, Any] = {"handle": form.handle, "library": form.library}
    return _proven(
        site, forms, entrance, caller, prove, lambda **shown: _start(site, forms, **said, **shown)
    )


@merging.post("/codes", SIGNED_IN, json=False, problems=(429,))
def ask(site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: AskForm) -> Response:
    """Have a code be sent to the other account."""
    try:
        handle = handles.normal(form.handle)
        ticket = proving.ask(entrance, visits.visit_of(caller), session_of(caller), handle)
    except KaijuanError as error:
        return _start(site, forms, error=error, handle=form.handle)
    return _coding(site, forms, ticket=ticket, to=handle.mask)


@merging.post("/code", SIGNED_IN, json=False, problems=(429,))
def by_code(
    site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: CodeForm
) -> Response:
    """Show it by a code: what merging would do."""
    known, visit = session_of(caller), visits.visit_of(caller)
    said: dict[str, Any] = {"ticket": form.ticket, "to": form.to}
    return _proven(
        site,
        forms,
        entrance,
        caller,
        lambda: proving.by_code(entrance, visit, known, form.ticket, form.code, form.factor),
        lambda **shown: _coding(site, forms, **said, **shown),
    )


@merging.post("/plan", SIGNED_IN, json=False)
def plan(site: Site, forms: Forms, entrance: Entrance, caller: Caller, form: ProofForm) -> Response:
    """What merging would do, of a proof that there is already."""
    return _proven(
        site,
        forms,
        entrance,
        caller,
        lambda: form.proof,
        lambda **shown: _start(site, forms, **shown),
    )


@merging.post("", SIGNED_IN, json=False)
def merge(
    database: Database,
    site: Site,
    forms: Forms,
    entrance: Entrance,
    caller: Caller,
    sealer: Sealer,
    form: ProofForm,
) -> Response:
    """Merge the other account into this one."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    try:
        other = proving.opened(entrance, known, form.proof)
        database.run(lambda s: services.merge(s, sealer, actor, known, other))
    except KaijuanError as error:
        return _start(site, forms, error=error)
    return onwards_to(link("/account", done="merged"))


def _proven(
    site: Site,
    forms: Forms,
    entrance: Entrance,
    caller: Caller,
    prove: Callable[[], str],
    again: Callable[..., Response],
) -> Response:
    """What would be merged, or the form once more."""
    known = session_of(caller)

    def look(session: Session) -> tuple[services.Plan, str | None]:
        found = services.plan(session, known, proving.opened(entrance, known, proof))
        return found, tree.get(session, found.home).name if found.home else None

    try:
        proof = prove()
        found, home = entrance.database.run(look, writes=False)
    except KaijuanError as error:
        return again(error=error)
    return shown(site, forms, "merging_plan.html", proof=proof, plan=found, home=home)


def _start(site: Site, forms: Forms, *, error: KaijuanError | None = None, **said: Any) -> Response:
    given = {"handle": "", "library": "", "is_fresh": True, **said}
    return _form(site, forms, "merging.html", error, given)


def _coding(
    site: Site, forms: Forms, *, error: KaijuanError | None = None, **said: Any
) -> Response:
    return _form(site, forms, "merging_code.html", error, said)


def _form(
    site: Site, forms: Forms, template: str, error: KaijuanError | None, said: dict[str, Any]
) -> Response:
    trouble, status = (trouble_of(error), status_of(error)) if error else ("", 200)
    return shown(site, forms, template, status, trouble=trouble, **said)
