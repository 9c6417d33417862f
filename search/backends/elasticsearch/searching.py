"""Answering a query: what matches, one page of it, counts and highlights.

A query that finds something is one round trip. Where few or none match, a second asks at once for
all that may help; a correction takes a third.
"""

from collections.abc import Sequence

import msgspec

from search.analysis.words import Words, read_words
from search.backends.elasticsearch import expressions
from search.backends.elasticsearch.answers import Answer, Asking, Body, Row
from search.backends.elasticsearch.client import Client
from search.backends.elasticsearch.corrections import Corrections
from search.backends.elasticsearch.counting import (
    counts_of_list,
    counts_of_matches,
    facets_of,
    works_in,
)
from search.backends.elasticsearch.expressions import Matching
from search.backends.elasticsearch.filters import Clause, conditions
from search.backends.elasticsearch.listing import (
    Page,
    cut_page,
    list_position,
    page_of_list,
    page_of_works,
)
from search.backends.elasticsearch.relevance import (
    merged,
    page_of_matches,
    relevance_page,
    relevance_position,
)
from search.highlights import highlight
from search.index import EXACT_TO, Hit, Hits, Query, Sort

#: With more records than this by their words, letters are words and not pinyin.
_FEW = 30


class _Found(msgspec.Struct):
    """The answers about what matches, and how it came about."""

    words: Words
    matching: Matching
    page: Answer
    counts: Answer | None
    correction: str | None = None
    relaxed: bool = False


def answer(client: Client, index: str, query: Query) -> Hits:
    """The answer of one index to a query."""
    words = read_words(query.words)
    by_relevance = bool(words.items) and query.sort is Sort.RELEVANCE
    _ = relevance_position(query) if by_relevance else list_position(query)
    if not query.audience or (query.words.strip() and not words.items):
        return Hits(total=0)
    asking = Asking(client, index, msgspec.structs.replace(query, after=None, facets=()))
    if not words.items:
        return _list_all(asking, query)
    return _Searching(asking, query).answer(words)


def _list_all(asking: Asking, query: Query) -> Hits:
    passing = conditions(query)
    bodies = [counts_of_list(passing, query)]
    if not query.by_work:
        bodies.append(page_of_list(passing, _bare(query), list_position(query)))
    counts, *rest = asking.ask(bodies)
    if rest:
        page, after = cut_page(rest[0].rows, query)
    else:
        page, after = page_of_works(asking, passing, _bare(query))
    total, exact = works_in(counts) if query.by_work else (counts.total, True)
    return Hits(
        total=total,
        total_exact=exact,
        items=[Hit(row.id, 0.0, {}) for row in page],
        facets=facets_of(counts, query),
        facets_exact=exact,
        next=after,
    )


def _bare(query: Query) -> Query:
    """Without words nothing is highlighted, so nothing need be fetched."""
    return msgspec.structs.replace(query, highlights=False)


class _Searching:
    """One search by words."""

    def __init__(self, asking: Asking, query: Query) -> None:
        self._asking = asking
        self._query = query
        self._passing = conditions(query)

    def answer(self, words: Words) -> Hits:
        """See :func:`answer`."""
        found = self._find(words)
        query = self._query
        if query.sort is Sort.RELEVANCE:
            page, after = relevance_page(self._weighed(found), query)
        else:
            page, after = self._list(found)
        total, exact = min(found.page.total, EXACT_TO), found.page.total <= EXACT_TO
        if query.by_work and found.counts:
            total, complete = works_in(found.counts)
            exact = exact or complete
        return Hits(
            total=total,
            total_exact=exact,
            items=[_hit(row, found.words, query) for row in page],
            facets=facets_of(found.counts, query) if found.counts else {},
            facets_exact=exact,
            correction=found.correction,
            relaxed=found.relaxed,
            next=after,
        )

    def _find(self, words: Words) -> _Found:
        """All words; else as sounds and names too; else spelled right; else any of the words."""
        found, *_ = self._ask(words, [expressions.all_of(words)])
        if found.page.total >= _FEW:
            return found
        wider = expressions.wider(words)
        if found.page.total:
            return self._ask(words, [wider])[0] if wider else found
        corrections = Corrections(words, self._passing)
        ways = [*filter(None, [wider]), expressions.any_of(words)]
        *others, loose = self._ask(words, ways, corrections)
        for other in others:
            if other.page.total:
                return other
        better = corrections.best
        corrected = self._corrected(read_words(better), better) if better else None
        if corrected:
            return corrected
        loose.relaxed = loose.page.total > 0
        return loose

    def _corrected(self, words: Words, correction: str) -> _Found | None:
        ways = [expressions.all_of(words), *filter(None, [expressions.wider(words)])]
        plain, *wider = self._ask(words, ways)
        found = wider[0] if wider and plain.page.total < _FEW else plain
        found.correction = correction
        return found if found.page.total else None

    def _ask(
        self, words: Words, ways: Sequence[Matching], corrections: Corrections | None = None
    ) -> list[_Found]:
        """What matches in each of several ways, in one round trip; with what helps correcting."""
        each = [self._bodies(way) for way in ways]
        helping = corrections.bodies if corrections else []
        answers = iter(self._asking.ask([*(body for two in each for body in two), *helping]))
        found = [
            _Found(words, way, next(answers), next(answers) if len(bodies) > 1 else None)
            for way, bodies in zip(ways, each, strict=True)
        ]
        if corrections:
            corrections.take(list(answers))
        return found

    def _bodies(self, matching: Matching) -> list[Body]:
        query = self._query
        if query.sort is Sort.RELEVANCE:
            page = page_of_matches(self._passing, matching, query)
        else:
            page = page_of_list(self._narrowed(matching), query, list_position(query))
            page["track_total_hits"] = EXACT_TO + 1
        bodies = [page]
        if query.facets or query.by_work:
            bodies.append(counts_of_matches(self._passing, matching, query))
        return bodies

    def _narrowed(self, matching: Matching) -> list[Clause]:
        return [*self._passing, matching.required]

    def _weighed(self, found: _Found) -> list[Row]:
        """The best of what matches; of too many to weigh, short titles that begin so among them."""
        if not found.page.terminated_early or self._query.by_work:
            return found.page.rows
        begun = expressions.nearly_titles(found.words.key)
        body = page_of_matches([*self._passing, *begun], found.matching, self._query)
        (others,) = self._asking.ask([{**body, "terminate_after": 0}])
        return merged(found.page.rows, others.rows)

    def _list(self, found: _Found) -> Page:
        if self._query.by_work:
            return page_of_works(self._asking, self._narrowed(found.matching), self._query)
        return cut_page(found.page.rows, self._query)


def _hit(row: Row, words: Words, query: Query) -> Hit:
    score = row.sort[0] if query.sort is Sort.RELEVANCE else 0.0
    marked = highlight(words.items, _originals(row)) if query.highlights else {}
    return Hit(row.id, float(score or 0.0), marked)


def _originals(row: Row) -> dict[str, str | Sequence[str]]:
    return msgspec.structs.asdict(row.stored)
