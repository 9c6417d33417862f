"""One's own: a copy of everything that is kept about one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity.callers import session_of
from app.identity.routes import visits
from app.identity.services import exports as services
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.web.api import Answer, Endpoints

exports = Endpoints("identity.exports", "/api/v1/me/exports")
SIGNED_IN = Permission.SIGNED_IN
ExportId = Annotated[str, Meta(min_length=1, max_length=32)]
FILE = "kaijuan-account.json"


class ExportItem(msgspec.Struct, frozen=True):
    """A copy of what is kept about the account; it can be fetched once ``made_at`` is there."""

    id: str
    asked_at: str
    made_at: str | None
    expires_at: str
    size: int
    """Bytes."""


class ExportList(msgspec.Struct, frozen=True):
    """The copies that wait to be fetched; there is one at most."""

    items: list[ExportItem]
    next: None = None


@exports.post("", SIGNED_IN, status=202)
def ask(session: Session, caller: Caller) -> Answer[ExportList]:
    """Have a copy be made of everything that is kept about you.

    Asks to have signed in a moment ago. It takes a moment; the list says when it is there.
    """
    known = session_of(caller)
    made = services.ask(session, visits.visit_of(caller).actor(known.account_id), known)
    session.flush()
    listed = _list(session, known.account_id)
    return Answer(listed, 202, headers={"Location": f"/api/v1/me/exports/{made}"})


@exports.get("", SIGNED_IN)
def index(session: Session, caller: Caller) -> ExportList:
    """The copy that was asked for, for a week."""
    return _list(session, session_of(caller).account_id)


@exports.get("/<export_id>", SIGNED_IN, writes=True, problems=(404,), json=False)
def fetch(session: Session, caller: Caller, sealer: Sealer, export_id: ExportId) -> Response:
    """Fetch the copy: one JSON document. Asks to have signed in a moment ago."""
    known = session_of(caller)
    actor = visits.visit_of(caller).actor(known.account_id)
    return document(services.fetch(session, sealer, actor, known, export_id))


def document(data: bytes) -> Response:
    """A file that browsers save, and nobody else keeps."""
    answer = Response(data, content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _list(session: Session, account_id: str) -> ExportList:
    return ExportList([
        ExportItem(
            one.id,
            rfc3339(one.asked_at),
            rfc3339(one.made_at) if one.made_at else None,
            rfc3339(one.expires_at),
            one.size,
        )
        for one in services.listed(session, account_id)
    ])  # fmt: skip
