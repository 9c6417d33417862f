"""The filters of a query as clauses that only say yes or no, which the engine remembers."""

from typing import Any

from search.backends.elasticsearch.writing import NO_YEAR
from search.index import Facet, Query

Clause = dict[str, Any]

#: What is not withdrawn; only counting everything must say so, for tombstones have no audience.
LIVE: Clause = {"bool": {"must_not": {"term": {"withdrawn": True}}}}


def conditions(query: Query) -> list[Clause]:
    """What a document must pass; its audience always."""
    passing: list[Clause] = [{"terms": {"audience": sorted(set(query.audience))}}]
    for field, values in (
        (Facet.KIND, query.kinds),
        (Facet.LANGUAGE, query.languages),
        (Facet.SUBJECT, query.subjects),
    ):
        if values:
            passing.append({"terms": {field: values}})
    if query.library_path:
        passing.append({"prefix": {"path": query.library_path}})
    first, last = query.years
    if first is not None:
        passing.append({"range": {"year_down": {"gte": _bounded(first)}}})
    if last is not None:
        passing.append({"range": {"year_up": {"lte": _bounded(last)}}})
    if query.available is not None:
        passing.append({"term": {Facet.AVAILABLE: "true" if query.available else "false"}})
    return passing


def _bounded(year: int) -> int:
    """A year within what is stored of those that have one."""
    return max(1 - NO_YEAR, min(year, NO_YEAR - 1))
