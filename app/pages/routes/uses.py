"""The page of one's places: what one has open where readers are limited in number."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.queries import records
from app.cursors import Cursors
from app.database import from_micros, now, to_micros
from app.identity.callers import session_of
from app.identity.queries import uses as queries
from app.identity.services import uses as services
from app.pages.render import Site, link, onwards_to, page
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from app.web.forms import Forms

uses = Endpoints("pages.uses", "/account/uses")
HERE = "/account/uses"
ON_A_PAGE = 50


class UsesQuery(msgspec.Struct, frozen=True):
    """Where the last page ended, and what was done just before."""

    cursor: Annotated[str, Meta(max_length=500)] | None = None
    done: Annotated[str, Meta(max_length=10)] = ""


class UseForm(msgspec.Struct, frozen=True):
    """Which place is given back."""

    use: Annotated[str, Meta(max_length=32)]


@uses.get("", Permission.PUBLIC, json=False)
def show(
    session: Session, site: Site, forms: Forms, caller: Caller, query: UsesQuery, cursors: Cursors
) -> Response:
    """What one has open, and had open in the last month, where readers are limited in number."""
    if caller.account_id is None:
        return onwards_to(link("/sign-in", next=HERE))
    question = ["pages.uses", caller.account_id]
    position = cursors.open(question, query.cursor)
    after = (from_micros(position[0]), position[1]) if position else None
    lines, end = queries.own(session, caller.account_id, after, ON_A_PAGE)
    seen = records.summaries(session, [line.record_id for line in lines], caller.audience)
    at = now()
    shown = [
        (line, line.ended_at is None and line.until > at,
         summary_decoder.decode(seen[line.record_id]) if line.record_id in seen else None)
        for line in lines
    ]  # fmt: skip
    cursor = cursors.seal(question, [to_micros(end[0]), end[1]]) if end else None
    further = link(HERE, cursor=cursor) if cursor else ""
    token, is_done = forms.token(), query.done == "given"
    answer = page(site, "uses.html", token=token, lines=shown, further=further, is_done=is_done)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@uses.post("", Permission.SIGNED_IN, json=False)
def give_back(session: Session, caller: Caller, form: UseForm) -> Response:
    """Give a place back before its time."""
    services.give_back(session, session_of(caller).account_id, form.use)
    return onwards_to(link(HERE, done="given"))
