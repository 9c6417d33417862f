"""The page of what belongs to one: ways in through libraries, a copy of everything."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database
from app.errors import KaijuanError
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.routes.exports import ExportId, document
from app.identity.services import exports
from app.pages.doing import done, refused, shown, told
from app.pages.render import Site
from app.pages.routes.through_library import sent
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.signon.services import identities, providers
from app.signon.services.arriving import Arrivals
from app.web.api import Endpoints
from app.web.forms import Forms

belongings = Endpoints("pages.belongings", "/account/data")
SIGNED_IN = Permission.SIGNED_IN
HERE = "/account/data"
Text = Annotated[str, Meta(max_length=500)]


class DataQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before; words of a library's name."""

    done: Text = ""
    trouble: Text = ""
    q: Annotated[str, Meta(max_length=100)] = ""


class ProviderForm(msgspec.Struct, frozen=True):
    """Which library's sign-on."""

    provider: Annotated[str, Meta(max_length=32)] = ""


class NoForm(msgspec.Struct, frozen=True):
    """A button."""


@belongings.get("", SIGNED_IN, json=False)
def show(session: Session, site: Site, forms: Forms, caller: Caller, query: DataQuery) -> Response:
    """Ways in through libraries, a copy of everything, other accounts."""
    known = session_of(caller)
    held = identities.listed(session, known.account_id)
    return shown(
        site,
        forms,
        "belongings.html",
        identities=held,
        exports=exports.listed(session, known.account_id),
        choices=providers.choices(session, query.q.strip()),
        wechat=providers.wechat(session),
        q=query.q,
        is_fresh=known.is_fresh,
        **told(query.done, query.trouble),
    )


@belongings.post("/exports", SIGNED_IN, json=False)
def ask(database: Database, forms: Forms, caller: Caller) -> Response:
    """Have a copy of everything be made."""
    forms.read(NoForm)
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    return done(HERE, "export", lambda: database.run(lambda s: exports.ask(s, actor, known)))


@belongings.get("/exports/<export_id>", SIGNED_IN, json=False, writes=True)
def fetch(database: Database, caller: Caller, sealer: Sealer, export_id: ExportId) -> Response:
    """Fetch the copy."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    try:
        data = database.run(lambda s: exports.fetch(s, sealer, actor, known, export_id))
    except KaijuanError as error:
        return refused(HERE, error)
    return document(data)


@belongings.post("/identities", SIGNED_IN, json=False, problems=(429,))
def link(site: Site, caller: Caller, arrivals: Arrivals, form: ProviderForm) -> Response:
    """Be sent to a library, whose sign-on then opens this account too."""
    known, visit = session_of(caller), visits.visit_of(caller)
    onwards = f"{HERE}?done=identity"
    try:
        return sent(
            site,
            lambda browser: arrivals.depart(visit, browser, form.provider, onwards, known=known),
        )
    except KaijuanError as error:
        return refused(HERE, error)


@belongings.post("/identities/remove", SIGNED_IN, json=False)
def unlink(database: Database, caller: Caller, form: ProviderForm) -> Response:
    """Take a library's way in away."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    return done(
        HERE,
        "identity-removed",
        lambda: database.run(lambda s: identities.unlink(s, actor, known, form.provider)),
    )
