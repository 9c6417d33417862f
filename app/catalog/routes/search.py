"""Search and suggestions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.services import finding
from app.catalog.services.finding import SearchAnswer, SearchQuery
from app.cursors import Cursors
from app.errors import UnavailableError
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints
from search.index import IndexUnavailableError, SearchIndex

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
    """Titles that go on as the reader began."""

    items: list[Completion]


@search.get("/search", Permission.PUBLIC, problems=(404,))
def find(
    session: Session, caller: Caller, query: SearchQuery, index: SearchIndex, cursors: Cursors
) -> SearchAnswer:
    """Search books, journals, articles, collection items and lectures."""
    return finding.search(session, index, cursors, caller, query)


@search.get("/suggest", Permission.PUBLIC)
def suggest(caller: Caller, query: SuggestQuery, index: SearchIndex) -> Answer[Completions]:
    """Complete the beginning of a title."""
    try:
        found = index.suggest(query.q, audience=caller.audience, limit=query.limit)
    except IndexUnavailableError as error:
        raise UnavailableError("The search index") from error
    items = [Completion(suggestion.text, suggestion.id) for suggestion in found]
    return Answer(Completions(items), cache="private, max-age=60")
