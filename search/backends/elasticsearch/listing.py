"""Lists in the order of a field: by keyset, each record, or each work, exactly once."""

from collections.abc import Collection, Sequence

import msgspec

from search.backends.elasticsearch.answers import Asking, Body, Row
from search.backends.elasticsearch.filters import Clause
from search.index import Position, Query, QueryRefusedError, Sort

#: By sort: the field and its direction.
_ORDERS = {
    Sort.TITLE: ("sort_title", "asc"),
    Sort.TITLE_DOWN: ("sort_title", "desc"),
    Sort.YEAR: ("year_up", "asc"),
    Sort.YEAR_DOWN: ("year_down", "desc"),
    Sort.ADDED: ("added_at", "desc"),
    Sort.RELEVANCE: ("added_at", "desc"),  # without words nothing is more relevant than new
}
_POSITION = 2
_BIGGEST_NUMBER = 1 << 63
#: Of a list of works so many records are looked at for each work wanted, at most so many at once.
_SPARE, _MOST_AT_ONCE = 4, 1_000
#: And so often.
_MOST_LOOKS = 12

Page = tuple[list[Row], Position | None]


def page_of_list(passing: Sequence[Clause], query: Query, after: Position | None) -> Body:
    """The question for one page of records, and one more, after a position."""
    field, direction = _ORDERS[query.sort]
    body: Body = {
        "size": query.limit + 1,
        "query": {"bool": {"filter": list(passing)}},
        "sort": [{field: direction}, {"id": direction}],
        "track_total_hits": False,
        "_source": query.highlights,
    }
    return body if after is None else {**body, "search_after": after}


def list_position(query: Query) -> Position | None:
    """The position after which a page begins, checked against the order's kind of value."""
    if query.after is None:
        return None
    numeric = query.sort in (Sort.YEAR, Sort.YEAR_DOWN)
    if len(query.after) == _POSITION:
        value, identifier = query.after
        fits = _is_number(value) if numeric else isinstance(value, str)
        if fits and isinstance(identifier, str):
            return query.after
    raise QueryRefusedError("after", f"this is not a position of a list by {query.sort.value}")


def cut_page(rows: list[Row], query: Query) -> Page:
    """The rows of a page, and the position of its end when there are more."""
    page = rows[: query.limit]
    return page, _position(page[-1]) if page and len(rows) > query.limit else None


def page_of_works(asking: Asking, passing: Sequence[Clause], query: Query) -> Page:
    """A page of the first record of each work, in the order of the list.

    Records are read on from the position, and those whose work had one before it are left out. A
    work once met is not read again. Only so much is read that a page may be short, or empty,
    before the end: it then has a position all the same.
    """
    found: list[Row] = []
    met: set[str] = set()
    begin = after = list_position(query)
    look = msgspec.structs.replace(query, limit=min(query.limit * _SPARE, _MOST_AT_ONCE))
    for _ in range(_MOST_LOOKS):
        others = [*passing, {"bool": {"must_not": {"terms": {"work": sorted(met)}}}}]
        body = {**page_of_list(others, look, after), "docvalue_fields": ["work"]}
        (answer,) = asking.ask([body])
        fresh: dict[str, Row] = {}
        for row in answer.rows:
            fresh.setdefault(row.fields["work"][0], row)
        firsts = _firsts(asking, passing, query, fresh) if begin and fresh else None
        found += (row for row in fresh.values() if firsts is None or row.id in firsts)
        if len(found) > query.limit or len(answer.rows) <= look.limit:
            return cut_page(found, query)
        after = _position(answer.rows[-1])
        met.update(fresh)
        look = msgspec.structs.replace(look, limit=_MOST_AT_ONCE)
    return found, after


def _firsts(
    asking: Asking, passing: Sequence[Clause], query: Query, works: Collection[str]
) -> set[str]:
    """The ids of the first record of each of these works in the whole list."""
    theirs = [*passing, {"terms": {"work": list(works)}}]
    body = {**page_of_list(theirs, query, None), "size": len(works), "_source": False}
    (answer,) = asking.ask([{**body, "collapse": {"field": "work"}}])
    return {row.id for row in answer.rows}


def _position(row: Row) -> Position:
    value, identifier = row.sort
    return ("" if value is None else value, row.id if identifier is None else identifier)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and -_BIGGEST_NUMBER <= value < _BIGGEST_NUMBER
