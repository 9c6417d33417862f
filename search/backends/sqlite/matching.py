"""Rows that match words, and rows whose titles are the words.

Sets past ``EXACT_TO`` are cut to the best so many before they are joined, which is what keeps the
commonest words within their time.
"""

import sqlite3
from collections.abc import Iterable
from itertools import islice

import msgspec

from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.index import EXACT_TO

_MOST_RAISED = 300


class Match(msgspec.Struct, gc=False):
    """A row that matched: its score (higher is better), folded title, facet codes and work."""

    row: int
    score: float
    key: str
    codes: bytes
    work: str


def dead_rows(connection: sqlite3.Connection) -> int:
    """How many rows of ``words`` belong to no document any more."""
    found: tuple[int] = connection.execute("SELECT value FROM meta WHERE name = 'dead'").fetchone()
    return found[0]


def match_words(
    connection: sqlite3.Connection, table: str, expression: str, condition: Where
) -> list[Match]:
    """The best rows of an FTS5 expression, one more than are counted exactly."""
    if condition.sql:
        score = _score(table)
        statement = (
            f"SELECT d.row, {score} AS score, d.key, d.codes, d.work FROM {table}"
            f" CROSS JOIN document d ON d.row = {table}.rowid"
            f" WHERE {table} MATCH ? AND {condition.sql}"
            f" ORDER BY score DESC LIMIT {EXACT_TO + 1}"
        )
        rows = connection.execute(statement, [expression, *condition.parameters])
        return [Match(*row) for row in rows]
    most = EXACT_TO + 1 + dead_rows(connection)
    if table == "words" and _are_so_many(connection, expression, most):
        return _titles_first(connection, expression, most)
    return _ranked(connection, table, expression, most)


def _score(table: str) -> str:
    weights = fts.WORD_WEIGHTS if table == "words" else fts.SOUND_WEIGHTS
    return f"-bm25({table}, {weights})"  # lower is better to FTS5


def _are_so_many(connection: sqlite3.Connection, expression: str, most: int) -> bool:
    counted = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", (expression, most)
    )
    return bool(counted.fetchone() == (most,))


def _ranked(connection: sqlite3.Connection, table: str, expression: str, most: int) -> list[Match]:
    rows = connection.execute(
        "SELECT d.row, m.score, d.key, d.codes, d.work FROM"
        f" (SELECT rowid, {_score(table)} AS score FROM {table} WHERE {table} MATCH ?"
        " ORDER BY score DESC LIMIT ?) m"
        f" CROSS JOIN document d ON d.row = m.rowid LIMIT {EXACT_TO + 1}",
        (expression, most),
    )
    return [Match(*row) for row in rows]


def _titles_first(connection: sqlite3.Connection, expression: str, most: int) -> list[Match]:
    """Of a very common word: titles that have it, best first, then others as they stand.

    To weigh every record that names its publisher costs more than its place at the end is worth.
    """
    titles = _ranked(connection, "words", f"title : ({expression})", most)
    if len(titles) > EXACT_TO:
        return titles
    known = {match.row for match in titles}
    rows = connection.execute(
        "SELECT d.row, 0.0, d.key, d.codes, d.work FROM"
        " (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?) m"
        " CROSS JOIN document d ON d.row = m.rowid",
        (expression, most + len(titles)),
    )
    others = (Match(*row) for row in rows if row[0] not in known)
    return [*titles, *islice(others, EXACT_TO + 1 - len(titles))]


def whole_titles(connection: sqlite3.Connection, key: str) -> list[int]:
    """The rows that have exactly this key."""
    return [row for (row,) in connection.execute("SELECT row FROM title WHERE key = ?", (key,))]


def beginning_titles(connection: sqlite3.Connection, start: str) -> list[tuple[int, int]]:
    """Rows whose key begins so and goes on, with the length of the key."""
    rows = connection.execute(
        "SELECT row, length(key) FROM title WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
        (start, start + fts.LAST_CHARACTER, _MOST_RAISED),
    )
    return rows.fetchall()


def match_rows(
    connection: sqlite3.Connection, rows: Iterable[int], condition: Where
) -> list[Match]:
    """Those of the rows that pass the condition, with no score yet."""
    wanted = list(rows)
    found = connection.execute(
        "SELECT d.row, 0.0, d.key, d.codes, d.work FROM document d"
        " WHERE d.row IN (SELECT value FROM json_each(?))"
        + (f" AND {condition.sql}" if condition.sql else ""),
        [msgspec.json.encode(wanted).decode(), *condition.parameters],
    )
    return [Match(*row) for row in found]
