"""Answering a query: what matches, one page of it, counts and highlights, in one snapshot."""

import sqlite3
from collections.abc import Sequence

import msgspec

from search.analysis.words import Words, read_words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.codes import count_facets
from search.backends.sqlite.corrections import corrected
from search.backends.sqlite.filters import Where, where
from search.backends.sqlite.listing import count_documents, listed, listed_codes
from search.backends.sqlite.matching import Scored, facet_codes, works_of
from search.backends.sqlite.ranking import loosely_ranked, ranked
from search.backends.sqlite.schema import decode_stored
from search.highlights import highlight
from search.index import (
    EXACT_TO,
    RELEVANCE_DEPTH,
    Hit,
    Hits,
    Position,
    Query,
    QueryRefusedError,
    Sort,
)

_RELEVANCE_POSITION = 2


class _Found(msgspec.Struct):
    """The matches of a word search, best first, and how they came about."""

    words: Words
    matches: list[Scored]
    correction: str | None = None
    relaxed: bool = False

    @property
    def exact(self) -> bool:
        return len(self.matches) <= EXACT_TO


def answer(connection: sqlite3.Connection, query: Query) -> Hits:
    """The answer to a query in the connection's present snapshot."""
    words = read_words(query.words)
    condition = where(connection, query)
    if condition is None or (query.words.strip() and not words.items):
        return Hits(total=0)
    if not words.items:
        return _list_all(connection, query, condition)
    found = _find(connection, words, condition)
    if query.by_work:
        found.matches = _best_of_works(connection, found.matches)
    if query.sort is Sort.RELEVANCE:
        page, after = _relevance_page(found.matches, query)
    else:
        narrowed = _only(found, condition, query)
        page, after = listed(connection, narrowed, query)
    counted = [row for row, _ in found.matches[:EXACT_TO]]
    blobs = facet_codes(connection, counted) if query.facets else []
    return Hits(
        total=len(counted),
        total_exact=found.exact,
        items=_hits(connection, page, found.words if query.highlights else None),
        facets=count_facets(connection, blobs, query),
        facets_exact=found.exact,
        correction=found.correction,
        relaxed=found.relaxed,
        next=after,
    )


def _list_all(connection: sqlite3.Connection, query: Query, condition: Where) -> Hits:
    page, after = listed(connection, condition, query)
    total = count_documents(connection, condition, query)
    blobs = listed_codes(connection, condition, query) if query.facets else []
    return Hits(
        total=total,
        items=_hits(connection, page, None),
        facets=count_facets(connection, blobs, query),
        facets_exact=total <= EXACT_TO,
        next=after,
    )


def _find(connection: sqlite3.Connection, words: Words, condition: Where) -> _Found:
    """All words; else words spelled right; else any of the words."""
    matches = ranked(connection, words, condition)
    if matches:
        return _Found(words, matches)
    better = corrected(connection, words, condition)
    if better:
        right = read_words(better)
        if matches := ranked(connection, right, condition):
            return _Found(right, matches, correction=better)
    matches = loosely_ranked(connection, words, condition)
    return _Found(words, matches, relaxed=bool(matches))


def _best_of_works(connection: sqlite3.Connection, matches: list[Scored]) -> list[Scored]:
    works = works_of(connection, (row for row, _ in matches))
    best: dict[str, Scored] = {}
    for match in matches:
        best.setdefault(works[match[0]], match)
    return list(best.values())


def _relevance_page(matches: list[Scored], query: Query) -> tuple[list[Scored], Position | None]:
    """The page after a position, and the position of its end."""
    reachable = matches[:RELEVANCE_DEPTH]
    start = 0
    if query.after is not None:
        last, last_row = _relevance_position(query.after)
        places = (
            place
            for place, (row, score) in enumerate(reachable)
            if (-score, row) > (-last, last_row)
        )
        start = next(places, len(reachable))
    page = reachable[start : start + query.limit]
    more = start + query.limit < len(reachable)
    row, score = page[-1] if page else (0, 0.0)
    return page, (score, row) if page and more else None


def _relevance_position(after: Position) -> tuple[float, int]:
    if len(after) == _RELEVANCE_POSITION:
        score, row = after
        if isinstance(score, int | float) and isinstance(row, int):
            return float(score), row
    raise QueryRefusedError("after", "this is not a position of a list by relevance")


def _only(found: _Found, condition: Where, query: Query) -> Where:
    """The condition that a document is among what was found."""
    if found.exact or query.by_work:
        rows = msgspec.json.encode([row for row, _ in found.matches]).decode()
        return Where("d.row IN (SELECT value FROM json_each(?))", [rows])
    expression = fts.any_of(found.words) if found.relaxed else fts.all_of(found.words)
    return condition.and_("d.row IN (SELECT rowid FROM words WHERE words MATCH ?)", expression)


def _hits(connection: sqlite3.Connection, page: Sequence[Scored], words: Words | None) -> list[Hit]:
    rows = msgspec.json.encode([row for row, _ in page]).decode()
    found = {
        row: (identifier, fields)
        for row, identifier, fields in connection.execute(
            "SELECT d.row, d.id, s.fields FROM document d JOIN stored s ON s.row = d.row"
            " WHERE d.row IN (SELECT value FROM json_each(?))",
            (rows,),
        )
    }
    return [
        Hit(identifier, score, _highlights(words, fields) if words else {})
        for row, score in page
        for identifier, fields in (found[row],)
    ]


def _highlights(words: Words, fields: bytes) -> dict[str, list[str]]:
    stored = decode_stored(fields)
    return highlight(
        words.items,
        {
            "title": stored.title,
            "other_titles": stored.other_titles,
            "agents": stored.agents,
            "subjects": stored.subjects,
            "publisher": stored.publisher,
            "description": stored.description,
            "contents": stored.contents,
            "text": stored.text,
        },
    )
