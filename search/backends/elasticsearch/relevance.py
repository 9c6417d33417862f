"""Pages by relevance: by score and id, to the depth that readers may go."""

from collections.abc import Sequence

from search.backends.elasticsearch.answers import MOST_WEIGHED, Body, Row
from search.backends.elasticsearch.expressions import Matching
from search.backends.elasticsearch.filters import Clause
from search.backends.elasticsearch.listing import Page
from search.index import EXACT_TO, RELEVANCE_DEPTH, Query, QueryRefusedError

_POSITION = 3
_BIGGEST_SCORE = 1e30

#: The score and id that a page ends with, and how many have been shown.
RelevancePosition = tuple[float, str, int]


def page_of_matches(passing: Sequence[Clause], matching: Matching, query: Query) -> Body:
    """The question for one page of matches, and one more while there may be more."""
    after = relevance_position(query)
    seen = after[2] if after else 0
    asked = {
        "filter": list(passing),
        "must": [matching.required],
        "should": list(matching.better),
    }
    body: Body = {
        "size": min(query.limit + 1, RELEVANCE_DEPTH - seen),
        "query": {"bool": asked},
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "_source": query.highlights,
        "track_total_hits": EXACT_TO + 1,
        "terminate_after": MOST_WEIGHED,
    }
    if query.by_work:  # the engine can collapse a list, or go on in it by position, but not both
        return {**body, "collapse": {"field": "work"}, "from": seen}
    return {**body, "search_after": after[:2]} if after else body


def merged(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Rows of two answers to differently narrowed questions, each once, best first."""
    each = {row.id: row for row in (*rows, *others)}
    return sorted(each.values(), key=_place)


def _place(row: Row) -> tuple[float, str]:
    return -float(row.sort[0] or 0.0), row.id


def relevance_page(rows: list[Row], query: Query) -> Page:
    """The rows of a page, and the position of its end while there are more within the depth."""
    after = relevance_position(query)
    before = after[2] if after else 0
    page = rows[: min(query.limit, RELEVANCE_DEPTH - before)]
    seen = before + len(page)
    if not page or len(rows) <= query.limit or seen == RELEVANCE_DEPTH:
        return page, None
    score, identifier = page[-1].sort
    return page, (float(score or 0.0), str(identifier), seen)


def relevance_position(query: Query) -> RelevancePosition | None:
    """The position after which a page begins, checked."""
    if query.after is None:
        return None
    if len(query.after) == _POSITION:
        score, identifier, seen = query.after
        fits = isinstance(score, int | float) and abs(score) < _BIGGEST_SCORE
        within = isinstance(seen, int) and 0 < seen < RELEVANCE_DEPTH
        if fits and within and isinstance(identifier, str):
            return float(score), identifier, int(seen)
    raise QueryRefusedError("after", "this is not a position of a list by relevance")
