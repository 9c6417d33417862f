"""Lists in the order of a field: by keyset, each record exactly once."""

import sqlite3

from search.backends.sqlite.filters import Where
from search.index import EXACT_TO, Position, Query, QueryRefusedError, Sort

#: By sort: the column, its direction, and how what comes after compares.
_ORDERS = {
    Sort.TITLE: ("sort_title", "ASC", ">"),
    Sort.TITLE_DOWN: ("sort_title", "DESC", "<"),
    Sort.YEAR: ("year_up", "ASC", ">"),
    Sort.YEAR_DOWN: ("year_down", "DESC", "<"),
    Sort.ADDED: ("added_at", "DESC", "<"),
    Sort.RELEVANCE: ("added_at", "DESC", "<"),  # without words nothing is more relevant than new
}
_POSITION = 2


def listed(
    connection: sqlite3.Connection, condition: Where, query: Query
) -> tuple[list[tuple[int, float]], Position | None]:
    """One page as rows with no score, and the position of its end."""
    column, direction, comes_after = _ORDERS[query.sort]
    source, parameters = _source(condition, query, column, direction)
    if query.after is not None:
        source += f" AND (d.{column}, d.id) {comes_after} (?, ?)"
        parameters += _position(query)
    rows = connection.execute(
        f"SELECT d.row, d.{column}, d.id FROM {source}"
        f" ORDER BY d.{column} {direction}, d.id {direction} LIMIT ?",
        [*parameters, query.limit + 1],
    ).fetchall()
    page = rows[: query.limit]
    after = (page[-1][1], page[-1][2]) if page and len(rows) > query.limit else None
    return [(row, 0.0) for row, _, _ in page], after


def count_documents(connection: sqlite3.Connection, condition: Where, query: Query) -> int:
    """How many documents, or works, pass the condition: always exact."""
    counted = "count(DISTINCT d.work)" if query.by_work else "count(*)"
    sql = f"SELECT {counted} FROM document d" + (f" WHERE {condition.sql}" if condition.sql else "")
    found: tuple[int] = connection.execute(sql, condition.parameters).fetchone()
    return found[0]


def listed_codes(connection: sqlite3.Connection, condition: Where, query: Query) -> list[bytes]:
    """The facet codes of the first ``EXACT_TO`` documents of the whole list."""
    column, direction, _ = _ORDERS[query.sort]
    source, parameters = _source(condition, query, column, direction)
    rows = connection.execute(
        f"SELECT d.codes FROM {source}"
        f" ORDER BY d.{column} {direction}, d.id {direction} LIMIT {EXACT_TO}",
        parameters,
    )
    return [codes for (codes,) in rows]


def _source(
    condition: Where, query: Query, column: str, direction: str
) -> tuple[str, list[str | int]]:
    """Documents under the condition, or the first document of each of their works, as ``d``."""
    passing = condition.sql or "true"
    if not query.by_work:
        return f"document d WHERE {passing}", list(condition.parameters)
    first = (
        f"row_number() OVER (PARTITION BY d.work ORDER BY d.{column} {direction}, d.id {direction})"
    )
    works = f"SELECT d.*, {first} AS place FROM document d WHERE {passing}"
    return f"({works}) d WHERE d.place = 1", list(condition.parameters)


def _position(query: Query) -> list[str | int]:
    """The position after which a page begins, checked against the order's kind of value."""
    numeric = query.sort in (Sort.YEAR, Sort.YEAR_DOWN)
    after = query.after or ()
    if len(after) == _POSITION:
        value, identifier = after
        fits = isinstance(value, int) if numeric else isinstance(value, str)
        if fits and isinstance(value, int | str) and isinstance(identifier, str):
            return [value, identifier]
    raise QueryRefusedError("after", f"this is not a position of a list by {query.sort.value}")
