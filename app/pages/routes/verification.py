"""The page where one has one's real name verified."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.errors import ConflictError, KaijuanError
from app.identity.callers import session_of
from app.identity.documents import DOCUMENTS, Purpose
from app.identity.routes import visits
from app.identity.services.identifying import Claim, Identifying
from app.pages.doing import done, refused, shown, told
from app.pages.render import Site, link, onwards_to
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

verification = Endpoints("pages.verification")
HERE = "/account/verification"
Text = Annotated[str, Meta(max_length=200)]


class VerificationQuery(msgspec.Struct, frozen=True):
    """What was done, or refused, just before."""

    done: Text = ""
    trouble: Text = ""


class RealNameForm(msgspec.Struct, frozen=True):
    """Who one is; ``agreed`` is the version of the text."""

    method: Text = ""
    name: Text = ""
    number: Text = ""
    agreed: Text = ""

    def __repr__(self) -> str:
        return "RealNameForm(…)"


class NoForm(msgspec.Struct, frozen=True):
    """A button."""


@verification.get(HERE, Permission.PUBLIC, json=False)
def show(
    session: Session,
    site: Site,
    forms: Forms,
    caller: Caller,
    identifying: Identifying,
    query: VerificationQuery,
) -> Response:
    """How it stands with the verification of one's real name."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    return shown(
        site,
        forms,
        "verification.html",
        standing=identifying.standing(session, session_of(caller).account_id),
        document=DOCUMENTS[Purpose.REAL_NAME],
        **told(query.done, query.trouble),
    )


@verification.post(HERE, Permission.SIGNED_IN, json=False, problems=(429,))
def ask(identifying: Identifying, caller: Caller, form: RealNameForm) -> Response:
    """Have one's real name verified. What was written is not shown again."""
    claim = Claim(form.method, form.name, form.number, form.agreed)
    try:
        identifying.identify(visits.visit_of(caller), session_of(caller), claim)
    except ConflictError:
        return onwards_to(link(HERE, trouble="trouble.not-to-verify"))
    except KaijuanError as error:
        return refused(HERE, error)
    return onwards_to(HERE)


@verification.post(HERE + "/withdraw", Permission.SIGNED_IN, json=False)
def withdraw(forms: Forms, identifying: Identifying, caller: Caller) -> Response:
    """Take the consent back: what was verified is deleted."""
    forms.read(NoForm)
    visit, known = visits.visit_of(caller), session_of(caller)
    return done(HERE, "verification", lambda: identifying.withdraw(visit, known))
