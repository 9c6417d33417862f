"""The feed of changes, for those who keep a mirror of the catalogue."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.queries.feed import START
from app.catalog.schemas import Cursor
from app.catalog.services import feed as services
from app.catalog.services.feed import ChangeLine
from app.cursors import Cursors
from app.permissions import Caller, Permission
from app.web.api import Endpoints

feed = Endpoints("catalog.feed", "/api/v1/changes")


class FeedQuery(msgspec.Struct, frozen=True):
    """Since where: the ``next`` of the page before; from the beginning, without it."""

    since: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000, description="How many at most.")] = 100


class ChangeList(msgspec.Struct, frozen=True):
    """A page of changes.

    Keep ``next`` and come again with it, at once while there is ``more``. A page may be short, or
    empty, and others follow all the same.
    """

    items: list[ChangeLine]
    next: str
    more: bool


@feed.get("", Permission.PUBLIC, problems=(404, 503))
def index(session: Session, caller: Caller, query: FeedQuery, cursors: Cursors) -> ChangeList:
    """What was published, changed, withdrawn or merged: each record once, at its latest state.

    A 404 says that this position is no longer known here: begin again without one.
    """
    clock = services.clock(session)
    question = ["changes", clock.epoch, *caller.audience]
    after = cursors.open(question, query.since) or START
    page = services.page(session, caller.audience, tuple(after), clock.horizon, query.limit)
    return ChangeList(page.lines, cursors.seal(question, page.after), page.more)
