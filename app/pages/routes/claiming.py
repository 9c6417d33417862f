"""The pages where a reader claims their library card, or adds it to their account.

The number of a card stands in no address: what was said is carried on in the forms.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta

from app.errors import KaijuanError
from app.identity.callers import session_of
from app.identity.handles import normal
from app.identity.routes import visits
from app.identity.services.claiming import Claimant, Claims, Shown
from app.pages.doing import shown
from app.pages.render import Site, link, onwards_to
from app.pages.routes.entering import AGREED, agreed_to, born_in
from app.pages.troubles import status_of, trouble_of
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

claiming = Endpoints("pages.claiming")
PUBLIC = Permission.PUBLIC
HERE, CONFIRM = "/claim", "/claim/confirm"
Text = Annotated[str, Meta(max_length=500)]


class ClaimQuery(msgspec.Struct, frozen=True):
    """Which library; a link on its own page may say so."""

    library: Annotated[str, Meta(max_length=64)] = ""


class ClaimForm(msgspec.Struct, frozen=True):
    """Which card; ``by`` is what shows that it is one's own: a code, or a slip."""

    library: Text = ""
    card: Text = ""
    by: Text = ""


class ClaimConfirmForm(msgspec.Struct, frozen=True):
    """The code that was sent, or of the slip where there is no ticket, and who claims."""

    library: Text = ""
    card: Text = ""
    ticket: Text = ""
    code: Text = ""
    password: Text = ""
    born: Text = ""
    agreed: Text = ""


@claiming.get(HERE, PUBLIC, json=False)
def start(site: Site, forms: Forms, caller: Caller, query: ClaimQuery) -> Response:
    """Where a card is named."""
    return _asking(site, forms, caller, ClaimForm(library=query.library))


@claiming.post(HERE, PUBLIC, json=False, problems=(429,))
def ask(site: Site, forms: Forms, claims: Claims, caller: Caller, form: ClaimForm) -> Response:
    """Have a code be sent to where the library reaches its reader, or go on with a slip."""
    ticket = ""
    try:
        card = normal(form.card, form.library or "-")
        if form.by != "slip":
            ticket = claims.ask(visits.visit_of(caller), card)
    except KaijuanError as error:
        return _asking(site, forms, caller, form, error)
    named = ClaimConfirmForm(form.library, form.card, ticket)
    return _confirming(site, forms, caller, named)


@claiming.get(CONFIRM, PUBLIC, json=False)
def begin_again() -> Response:
    """Where a page that was loaded anew begins: what was said of a card is in no address."""
    return onwards_to(HERE)


@claiming.post(CONFIRM, PUBLIC, json=False, problems=(429,))
def confirm(
    site: Site, forms: Forms, claims: Claims, caller: Caller, form: ClaimConfirmForm
) -> Response:
    """Claim the card, or add it to the account of whoever is signed in."""
    visit = visits.visit_of(caller)
    try:
        card = Shown(normal(form.card, form.library or "-"), form.code, form.ticket or None)
        if caller.account_id is not None:
            claims.add_card(visit, session_of(caller), card)
            return onwards_to(link("/account", done="card"))
        agreed, born = agreed_to(form.agreed), born_in(form.born)
        visits.keep(claims.claim(visit, card, Claimant(form.password or None, agreed, born)))
    except KaijuanError as error:
        return _confirming(site, forms, caller, form, error)
    return onwards_to(link("/account", done="card"))


def _asking(
    site: Site, forms: Forms, caller: Caller, form: ClaimForm, error: KaijuanError | None = None
) -> Response:
    said = {"library": form.library, "card": form.card, "mine": caller.account_id is not None}
    return shown(site, forms, "claim.html", _status(error), trouble=_trouble(error), **said)


def _confirming(
    site: Site,
    forms: Forms,
    caller: Caller,
    form: ClaimConfirmForm,
    error: KaijuanError | None = None,
) -> Response:
    said = {"library": form.library, "card": form.card, "ticket": form.ticket, "born": form.born}
    mine = caller.account_id is not None
    return shown(
        site,
        forms,
        "claim_code.html",
        _status(error),
        trouble=_trouble(error),
        mine=mine,
        agreed=AGREED,
        **said,
    )


def _status(error: KaijuanError | None) -> int:
    return status_of(error) if error else 200


def _trouble(error: KaijuanError | None) -> str | None:
    return trouble_of(error) if error else None
