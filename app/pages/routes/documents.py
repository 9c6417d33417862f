"""What people agree to, as pages to read, and agreeing to it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database
from app.identity.callers import session_of
from app.identity.documents import DOCUMENTS, TO_SIGN_UP, Purpose
from app.identity.routes import visits
from app.identity.services import consents
from app.pages.doing import shown, told
from app.pages.render import Site, onwards_to, page, passed_on
from app.pages.routes.entering import ELSEWHERE, Next, own_path
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

documents = Endpoints("pages.documents")
HERE = "/account/consents"
Main = Literal["terms", "privacy"]
Special = Literal["real-name", "guardian"]
SIGNED_IN = Permission.SIGNED_IN


class ConsentsQuery(msgspec.Struct, frozen=True):
    """Where to go on afterwards."""

    next: Next = "/account"
    done: Annotated[str, Meta(max_length=64)] = ""
    trouble: Annotated[str, Meta(max_length=64)] = ""


class AgreedForm(msgspec.Struct, frozen=True):
    """To which versions of the texts."""

    terms: Annotated[str, Meta(max_length=16)] = ""
    privacy: Annotated[str, Meta(max_length=16)] = ""
    next: Next = "/account"


@documents.get("/<any('terms', 'privacy'):purpose>", Permission.PUBLIC, json=False)
def show(site: Site, purpose: Main) -> Response:
    """The terms of use, or what is kept of people."""
    return page(site, "document.html", document=DOCUMENTS[purpose])


@documents.get("/privacy/<any('real-name', 'guardian'):purpose>", Permission.PUBLIC, json=False)
def show_special(site: Site, purpose: Special) -> Response:
    """What one purpose of its own needs consent for."""
    return page(site, "document.html", document=DOCUMENTS[purpose])


@documents.get(HERE, SIGNED_IN, json=False)
def show_consents(
    session: Session, site: Site, forms: Forms, caller: Caller, query: ConsentsQuery
) -> Response:
    """What one has agreed to, and what is still to be agreed to."""
    account_id = session_of(caller).account_id
    return shown(
        site,
        forms,
        "consents.html",
        due=[DOCUMENTS[one] for one in consents.due(session, account_id)],
        items=consents.listed(session, account_id),
        next=own_path(query.next),
        **told(query.done, query.trouble),
    )


@documents.post(HERE, SIGNED_IN, json=False)
def agree(site: Site, database: Database, caller: Caller, form: AgreedForm) -> Response:
    """Agree to the texts as they are now."""
    account_id = session_of(caller).account_id
    actor = visits.visit_of(caller).actor(account_id)
    given = {Purpose.TERMS: form.terms, Purpose.PRIVACY: form.privacy}

    def write(session: Session) -> None:
        for purpose in TO_SIGN_UP:
            if version := given[purpose]:
                consents.give(session, actor, account_id, purpose, version)

    database.run(write)
    path = own_path(form.next)
    return passed_on(site, path) if path.startswith(ELSEWHERE) else onwards_to(path)
