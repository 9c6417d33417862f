"""Counting what was found by facets, and by works."""

from collections.abc import Sequence

from search.backends.elasticsearch.answers import MOST_WEIGHED, Answer, Body
from search.backends.elasticsearch.expressions import Matching
from search.backends.elasticsearch.filters import Clause
from search.index import EXACT_TO, Facet, Query

_BEST = "best"
#: A sample without anything to count in it is refused, though its size says how many works.
_NOTHING: Body = {"nothing": {"missing": {"field": Facet.KIND}}}
#: Facets that are counted by what their values say, which costs least where a record has one of a
#: few. Of subjects it has several of very many: these are counted by their global ordinals, which
#: takes a quarter of the time for ten thousand records and hardly more for ten.
_BY_VALUE = frozenset(Facet) - {Facet.SUBJECT}


def counts_of_matches(passing: Sequence[Clause], matching: Matching, query: Query) -> Body:
    """A question for the facets of the best ``EXACT_TO`` matches: with the words in the title,
    then the newest; and for how many works they are of.
    """
    titled = {"constant_score": {"filter": matching.titled}}
    asked = {"bool": {"filter": [*passing, matching.required], "should": [titled]}}
    body = {"size": 0, "track_total_hits": False, "query": asked, "aggs": _sampled(query)}
    return {**body, "terminate_after": MOST_WEIGHED} if query.by_work else body


def counts_of_list(passing: Sequence[Clause], query: Query) -> Body:
    """The same of all documents that pass: every one is counted."""
    asked: Body = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": passing}}}
    if query.by_work:
        return {**asked, "aggs": _sampled(query), "terminate_after": MOST_WEIGHED}
    return {**asked, "aggs": _facets(query)} if query.facets else asked


def facets_of(answer: Answer, query: Query) -> dict[str, list[tuple[str, int]]]:
    """For each facet wanted its commonest values with their counts, commonest first."""
    found = answer.aggregations.get(_BEST, answer.aggregations)
    return {
        facet: [(one["key"], one["doc_count"]) for one in found[facet]["buckets"]]
        for facet in query.facets
        if facet in found
    }


def works_in(answer: Answer) -> tuple[int, bool]:
    """How many works there are, to ``EXACT_TO``; and whether there are no more."""
    count: int = answer.aggregations[_BEST]["doc_count"]
    return count, count < EXACT_TO and not answer.terminated_early


def _sampled(query: Query) -> Body:
    if query.by_work:
        kind = "diversified_sampler"
        sample: Body = {"shard_size": EXACT_TO, "field": "work", "max_docs_per_value": 1}
    else:
        kind, sample = "sampler", {"shard_size": EXACT_TO}
    within = _facets(query)
    for facet in _BY_VALUE.intersection(within):
        within[facet]["terms"]["execution_hint"] = "map"
    return {_BEST: {kind: sample, "aggs": within or _NOTHING}}


def _facets(query: Query) -> Body:
    size = max(1, query.facet_size)
    return {facet: {"terms": {"field": facet, "size": size}} for facet in query.facets}
