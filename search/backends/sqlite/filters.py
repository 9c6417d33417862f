"""The filters of a query as one condition on documents."""

import sqlite3
from collections.abc import Sequence

import msgspec

from search.backends.sqlite.codes import AUDIENCE, AUDIENCE_SEPARATOR
from search.backends.sqlite.expressions import LAST_CHARACTER
from search.index import Facet, Query


class Where(msgspec.Struct, frozen=True):
    """A condition on ``document`` (named d), and its parameters; both empty when all may pass."""

    sql: str
    parameters: list[str | int]

    def and_(self, sql: str, *parameters: str | int) -> "Where":
        """This condition and another."""
        return Where(f"{self.sql} AND {sql}" if self.sql else sql, [*self.parameters, *parameters])


def where(connection: sqlite3.Connection, query: Query) -> Where | None:
    """The filters of a query as a condition; None when nothing can pass.

    The audience is judged by sets of tokens, of which there are few: a set seen for the first time
    is judged like any other, in the same snapshot, so a stale memory cannot show what it must not.
    """
    condition = _audience(connection, query.audience)
    if condition is None:
        return None
    for facet, column, values in (
        (Facet.KIND, "d.kind", query.kinds),
        (Facet.LANGUAGE, "d.language", query.languages),
    ):
        if values:
            codes = _codes(connection, facet, values)
            condition = condition.and_(f"{column} IN ({_marks(codes)})", *codes)
    if query.subjects:
        codes = _codes(connection, Facet.SUBJECT, query.subjects)
        rows = f"SELECT row FROM subject WHERE code IN ({_marks(codes)})"
        condition = condition.and_(f"d.row IN ({rows})", *codes)
    if query.library_path:
        path = query.library_path
        condition = condition.and_("d.path >= ? AND d.path < ?", path, path + LAST_CHARACTER)
    first, last = query.years
    if first is not None:
        condition = condition.and_("d.year_down >= ?", first)
    if last is not None:
        condition = condition.and_("d.year_up <= ?", last)
    if query.available is not None:
        condition = condition.and_("d.available = ?", int(query.available))
    return condition


def _audience(connection: sqlite3.Connection, tokens: Sequence[str]) -> Where | None:
    sets = connection.execute(
        "SELECT code, value FROM code WHERE facet = ?", (AUDIENCE,)
    ).fetchall()
    mine = set(tokens)
    visible = [code for code, value in sets if not mine.isdisjoint(value.split(AUDIENCE_SEPARATOR))]
    if not visible:
        return None
    if len(visible) == len(sets):
        return Where("", [])
    return Where(f"d.audience IN ({_marks(visible)})", list(visible))


def _codes(connection: sqlite3.Connection, facet: str, values: Sequence[str]) -> list[int]:
    rows = connection.execute(
        "SELECT code FROM code WHERE facet = ? AND value IN (SELECT value FROM json_each(?))",
        (facet, msgspec.json.encode(values).decode()),
    )
    return [code for (code,) in rows]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
