"""Search and suggestions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.queries import fruitless
from app.catalog.routes.noting import searched
from app.catalog.schemas import FruitlessList, FruitlessQueryAsked
from app.catalog.services import finding
from app.catalog.services.finding import SearchAnswer, SearchQuery
from app.cursors import Cursors
from app.database import now
from app.permissions import Caller, Permission
from app.usage.recorder import Recorder
from app.web.api import Answer, Endpoints, Limited
from search.index import SearchIndex

search = Endpoints("catalog.search", "/api/v1")


class SuggestQuery(msgspec.Struct, frozen=True):
    """The beginning of a title: characters, pinyin or initials."""

    q: Annotated[str, Meta(max_length=100)] = ""
    limit: Annotated[int, Meta(ge=1, le=20)] = 10


class Completion(msgspec.Struct, frozen=True):
    """A title, and a record that bears it."""

    text: str
    id: str


class Completions(msgspec.Struct, frozen=True):
    """Titles that go on as the reader began; ``degraded`` ones are found by characters alone."""

    items: list[Completion]
    degraded: bool = False


@search.get("/search", Permission.PUBLIC, problems=(404, 503), limited=Limited("search"))
def find(
    session: Session,
    caller: Caller,
    query: SearchQuery,
    index: SearchIndex,
    cursors: Cursors,
    usage: Recorder,
) -> SearchAnswer:
    """Search books, journals, articles, collection items and lectures."""
    answer = finding.search(session, index, cursors, caller, query)
    searched(usage, caller, answer.total, query.q)
    return answer


@search.get("/suggest", Permission.PUBLIC, problems=(503,), limited=Limited("search"))
def suggest(
    session: Session, caller: Caller, query: SuggestQuery, index: SearchIndex
) -> Answer[Completions]:
    """Complete the beginning of a title."""
    found = finding.suggest(session, index, caller, query.q, query.limit)
    items = [Completion(suggestion.text, suggestion.id) for suggestion in found.items]
    cache = "no-store" if found.degraded else "private, max-age=60"
    return Answer(Completions(items, found.degraded), cache=cache)


@search.get("/searches/fruitless", Permission.EDIT_RECORDS)
def fruitless_searches(
    session: Session, query: FruitlessQueryAsked, cursors: Cursors
) -> FruitlessList:
    """What readers looked for in vain, the most frequent first."""
    since = query.since or f"{now() - timedelta(days=30):%Y-%m-%d}"
    question = ["fruitless", query.since]
    after = cursors.open(question, query.cursor)
    rows = fruitless.listed(session, since, after and tuple(after), query.limit + 1)
    items = rows[: query.limit]
    more = len(rows) > query.limit
    end = cursors.seal(question, [items[-1].times, items[-1].words]) if more else None
    return FruitlessList(items, end)
