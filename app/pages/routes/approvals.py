"""The page of what one agreed that other systems may know and do."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database
from app.identity.callers import session_of
from app.identity.services.audit import actor_of
from app.pages.doing import done, shown, told
from app.pages.render import Site, link, onwards_to
from app.permissions import Caller, Permission
from app.signon.services import approvals as services
from app.web.api import Endpoints
from app.web.forms import Forms

HERE = "/account/approvals"
approvals = Endpoints("pages.approvals", HERE)
Text = Annotated[str, Meta(max_length=500)]


class ApprovalsQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before."""

    done: Text = ""
    trouble: Text = ""


class SystemForm(msgspec.Struct, frozen=True):
    """Which system."""

    system: Text = ""


@approvals.get("", Permission.PUBLIC, json=False)
def show(
    session: Session, site: Site, forms: Forms, caller: Caller, query: ApprovalsQuery
) -> Response:
    """What one agreed to."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    found = services.listed(session, session_of(caller).account_id)
    said = told(query.done, query.trouble)
    return shown(site, forms, "approvals.html", approvals=found, **said)


@approvals.post("", Permission.SIGNED_IN, json=False)
def take_back(database: Database, caller: Caller, form: SystemForm) -> Response:
    """Take it back from one system."""
    account_id, actor = session_of(caller).account_id, actor_of(caller)

    def work(session: Session) -> None:
        services.take_back(session, actor, account_id, form.system)

    return done(HERE, "approval", lambda: database.run(work))
