"""One search over everything: the question a reader asks, and the answer with its words.

The index finds, the database answers: a hit is shown only as its record stands now and only to
those who may see it, so an index that is behind never shows what was withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw
from sqlalchemy.orm import Session

from app.catalog.description import Kind, Summary
from app.catalog.labels import KINDS, LANGUAGES
from app.catalog.queries import records, subjects
from app.catalog.schemas import Cursor, Limit
from app.catalog.services import lookups
from app.cursors import Cursors
from app.errors import Fault, InvalidError, UnavailableError, UnknownCursorError
from app.identity import tree
from app.permissions import Caller
from search.index import (
    RELEVANCE_DEPTH,
    Facet,
    Hit,
    Hits,
    IndexUnavailableError,
    Query,
    QueryRefusedError,
    SearchIndex,
    Sort,
    Suggestion,
)

FACETS = tuple(Facet)
Filter = Annotated[str, Meta(max_length=100)]
LOOKED_UP = "titles"
"""In a cursor, in place of the index's generation: the list is the database's."""
BEYOND = ("subject", "language", "year", "available", "sort", "group")
"""What of a question the database cannot answer cheaply."""
_YEARS = r"^-?\d{1,4}(-\d{1,4})?$"


class SearchQuery(msgspec.Struct, frozen=True):
    """What to find, among what, in which order."""

    q: Annotated[str, Meta(max_length=200, description="Words, characters, pinyin, ISBN.")] = ""
    kind: tuple[Kind, ...] = ()
    subject: Annotated[tuple[Filter, ...], Meta(max_length=5)] = ()
    language: Annotated[tuple[Filter, ...], Meta(max_length=5)] = ()
    library: Annotated[str, Meta(max_length=64, description="It and those below it.")] | None = None
    year: Annotated[str, Meta(pattern=_YEARS, description="`1990` or `1990-1999`.")] | None = None
    available: Literal["true", "false"] | None = None
    sort: Sort = Sort.RELEVANCE
    group: Literal["work"] | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class FacetValue(msgspec.Struct, frozen=True):
    """A value to narrow by, its label, and how many records have it."""

    value: str
    label: str
    count: int


class FoundItem(Summary, frozen=True, kw_only=True, omit_defaults=True):
    """A record that was found, as lists show it, with what matched."""

    highlights: dict[str, list[str]] = msgspec.field(default_factory=dict)


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. A total that is not exact is a lower bound.

    ``correction`` are the words that were searched instead; ``relaxed`` says that not every word
    had to match; ``narrow`` is a word for readers who reached the end of relevance. A ``degraded``
    answer was looked up in the database by identifier and title alone, and in it the parts of the
    question that are ``ignored`` had no effect.
    """

    total: int
    total_exact: bool
    items: list[FoundItem]
    facets: dict[str, list[FacetValue]]
    facets_exact: bool
    correction: str | None
    relaxed: bool
    narrow: str | None
    next: str | None
    degraded: bool = False
    ignored: list[str] = []


@dataclass(frozen=True, slots=True)
class Suggested:
    """Completions; ``degraded`` ones are beginnings of titles alone."""

    items: list[Suggestion]
    degraded: bool = False


def search(
    session: Session,
    index: SearchIndex,
    cursors: Cursors,
    caller: Caller,
    asked: SearchQuery,
    *,
    facets: tuple[Facet, ...] = FACETS,
) -> SearchAnswer:
    """Answers a search.

    :raises UnknownCursorError: for a cursor of another question or of an index since rebuilt.
    :raises UnavailableError: when the index does not answer and the database cannot.
    """
    question = msgspec.to_builtins(msgspec.structs.replace(asked, cursor=None, limit=0))
    question["audience"] = list(caller.audience)
    opened = cursors.open(question, asked.cursor)
    if opened is not None and opened[0] == LOOKED_UP:
        return _looked_up(session, cursors, caller, asked, question, tuple(opened[1:]))
    try:
        position = _position(index, asked, opened)
        generation = index.generation  # as before the search, lest a swap pass for no swap
        hits = index.search(_query(session, asked, caller, facets, position))
        end = hits.next and cursors.seal(question, [generation, *hits.next])
    except QueryRefusedError as error:
        raise InvalidError(Fault(f"query.{error.field}", "refused", error.reason)) from error
    except IndexUnavailableError as error:
        if opened is not None:
            raise UnavailableError("The search index") from error
        return _looked_up(session, cursors, caller, asked, question, None)
    return SearchAnswer(
        total=hits.total,
        total_exact=hits.total_exact,
        items=_items(session, hits, caller),
        facets=_facets(session, hits),
        facets_exact=hits.facets_exact,
        correction=hits.correction,
        relaxed=hits.relaxed,
        narrow=_narrow(asked, hits),
        next=end or None,
    )


def _looked_up(
    session: Session,
    cursors: Cursors,
    caller: Caller,
    asked: SearchQuery,
    question: object,
    after: tuple[str, str] | None,
) -> SearchAnswer:
    """What the database finds by itself; a list begun so goes on so when the index is back."""
    wanted = lookups.Wanted(
        asked.q,
        caller.audience,
        tuple(asked.kind),
        tree.get(session, asked.library).path if asked.library else "",
        after,
        asked.limit,
    )
    looked = lookups.look_up(session, wanted)
    usual = SearchQuery()
    return SearchAnswer(
        total=len(looked.summaries),
        total_exact=False,
        items=[_as_found(summary) for summary in looked.summaries],
        facets={},
        facets_exact=False,
        correction=None,
        relaxed=False,
        narrow=None,
        next=cursors.seal(question, [LOOKED_UP, *looked.next]) if looked.next else None,
        degraded=True,
        ignored=[name for name in BEYOND if getattr(asked, name) != getattr(usual, name)],
    )


def suggest(
    session: Session, index: SearchIndex, caller: Caller, text: str, limit: int
) -> Suggested:
    """Titles that go on so, of records as they stand now.

    :raises UnavailableError: when the index does not answer and too many ask the database.
    """
    try:
        found = index.suggest(text, audience=caller.audience, limit=limit)
    except IndexUnavailableError:
        return Suggested(lookups.complete(session, text, caller.audience, limit), degraded=True)
    kept = records.summaries(session, [one.id for one in found], caller.audience)
    return Suggested([one for one in found if one.id in kept])


def _position(
    index: SearchIndex, asked: SearchQuery, opened: list[Any] | None
) -> tuple[Any, ...] | None:
    if opened is None:
        return None
    generation, *position = opened
    if asked.sort is Sort.RELEVANCE and generation != index.generation:
        raise UnknownCursorError
    return tuple(position)


def _query(
    session: Session,
    asked: SearchQuery,
    caller: Caller,
    facets: tuple[Facet, ...],
    after: tuple[Any, ...] | None,
) -> Query:
    return Query(
        words=asked.q.strip(),
        audience=caller.audience,
        kinds=tuple(asked.kind),
        subjects=asked.subject,
        languages=asked.language,
        library_path=tree.get(session, asked.library).path if asked.library else "",
        years=years(asked.year),
        available=None if asked.available is None else asked.available == "true",
        sort=asked.sort,
        after=after,
        limit=asked.limit,
        facets=facets if after is None else (),
        by_work=asked.group == "work",
    )


def years(written: str | None) -> tuple[int | None, int | None]:
    """``1990`` or ``1990-1999`` as the years it spans; without one, any."""
    if written is None:
        return (None, None)
    sign = -1 if written.startswith("-") else 1
    first, _, last = written.lstrip("-").partition("-")
    return (sign * int(first), int(last) if last else sign * int(first))


def _items(session: Session, hits: Hits, caller: Caller) -> list[FoundItem]:
    kept = records.summaries(session, [hit.id for hit in hits.items], caller.audience)
    found = [(hit, kept[hit.id]) for hit in hits.items if hit.id in kept]
    return [_with_highlights(hit, summary) for hit, summary in found]


def _as_found(summary: bytes) -> Any:
    """The ready-made summary, as it lies."""
    return Raw(summary)


def _with_highlights(hit: Hit, summary: bytes) -> Any:
    """The ready-made summary with the highlights put in: no decoding on the way."""
    marks = msgspec.json.encode(hit.highlights)
    return Raw(summary[:-1] + b',"highlights":' + marks + b"}")


def _facets(session: Session, hits: Hits) -> dict[str, list[FacetValue]]:
    answer = {}
    for name, values in hits.facets.items():
        labels = _labels(session, name, [value for value, _ in values])
        answer[name] = [FacetValue(v, labels.get(v, v), count) for v, count in values]
    return answer


def _labels(session: Session, facet: str, values: list[str]) -> dict[str, str]:
    match facet:
        case "kind":
            return KINDS
        case "language":
            return LANGUAGES
        case "library":
            return tree.names(session, values)
        case "available":
            return {"true": "可阅读", "false": "仅书目"}
        case "subject":
            own = {value: value.partition(":")[2] for value in values}
            return own | subjects.labels(session, values)
    return {}


def _narrow(asked: SearchQuery, hits: Hits) -> str | None:
    deep = asked.sort is Sort.RELEVANCE and hits.total > RELEVANCE_DEPTH
    if hits.next is None and deep and asked.q:
        return "只显示最相关的 1,000 条。请增加检索词或使用筛选。 Add a word or a filter to narrow."
    return None
