"""Rows that match words, and rows whose titles are the words.

Up to ``EXACT_TO`` every match is weighed. Past that, titles with the words are weighed and come
first; the others follow as they were written, the newest first. So the work for a word that
nearly every record has is bounded, and "the best so many" still means something.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.index import EXACT_TO

_MOST_RAISED = 300

#: A row and its score; higher is better.
Scored = tuple[int, float]


def match_words(
    connection: sqlite3.Connection, table: str, expression: str, condition: Where
) -> list[Scored]:
    """The best live rows of an FTS5 expression, best first, one more than are counted exactly."""
    if table == "words" and _are_so_many(connection, expression, condition):
        return _titles_first(connection, expression, condition)
    return _weighed(connection, table, expression, condition)


def _are_so_many(connection: sqlite3.Connection, expression: str, condition: Where) -> bool:
    """Whether more match than are counted exactly; the condition is asked only of those sets."""
    return _reaches(connection, expression, Where("", [])) and (
        not condition.sql or _reaches(connection, expression, condition)
    )


def _reaches(connection: sqlite3.Connection, expression: str, condition: Where) -> bool:
    counted: tuple[int] = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_source('words', condition)} LIMIT {EXACT_TO + 1})",
        [expression, *condition.parameters],
    ).fetchone()
    return counted[0] > EXACT_TO


_LIVE = "rowid NOT IN (SELECT row FROM dead)"


def _source(table: str, condition: Where) -> str:
    """What to select live rows from, up to and with the place of an FTS5 expression."""
    if not condition.sql:
        return f"{table} WHERE {table} MATCH ? AND {_LIVE}"
    return (
        f"{table} CROSS JOIN document d ON d.row = {table}.rowid"
        f" WHERE {table} MATCH ? AND {condition.sql}"
    )


def _weighed(
    connection: sqlite3.Connection, table: str, expression: str, condition: Where
) -> list[Scored]:
    weights = fts.WORD_WEIGHTS if table == "words" else fts.SOUND_WEIGHTS
    return connection.execute(  # bm25 is lower for what is better
        f"SELECT {table}.rowid, -bm25({table}, {weights}) AS score"
        f" FROM {_source(table, condition)} ORDER BY score DESC LIMIT {EXACT_TO + 1}",
        [expression, *condition.parameters],
    ).fetchall()


def _titles_first(
    connection: sqlite3.Connection, expression: str, condition: Where
) -> list[Scored]:
    titles = _weighed(connection, "words", f"title : ({expression})", condition)
    missing = EXACT_TO + 1 - len(titles)
    if not missing:
        return titles
    known = {row for row, _ in titles}
    rows = connection.execute(
        f"SELECT words.rowid, 0.0 FROM {_source('words', condition)}"
        f" ORDER BY words.rowid DESC LIMIT {EXACT_TO + 1}",
        [expression, *condition.parameters],
    )
    others = (one for one in rows if one[0] not in known)
    return [*titles, *islice(others, missing)]


def titles_of(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, int]]:
    """The keys of ``title`` that there are among these, each with a row that has it."""
    return connection.execute(
        "SELECT key, row FROM title WHERE key IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(keys).decode(),),
    ).fetchall()


def beginning_titles(connection: sqlite3.Connection, start: str) -> list[tuple[int, int]]:
    """Rows whose key begins so and goes on, with the length of the key."""
    rows = connection.execute(
        "SELECT row, length(key) FROM title WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
        (start, start + fts.LAST_CHARACTER, _MOST_RAISED),
    )
    return rows.fetchall()


def only_passing(
    connection: sqlite3.Connection, rows: Iterable[int], condition: Where
) -> list[Scored]:
    """Those of the rows that pass the condition, with no score yet."""
    passing = f" WHERE {condition.sql}" if condition.sql else ""
    return connection.execute(
        f"SELECT d.row, 0.0 FROM {_GIVEN}{passing}", [_listed(rows), *condition.parameters]
    ).fetchall()


def folded_titles(connection: sqlite3.Connection, rows: Iterable[int]) -> Mapping[int, str]:
    """The folded titles of rows."""
    return _column(connection, "key", rows)


def works_of(connection: sqlite3.Connection, rows: Iterable[int]) -> Mapping[int, str]:
    """The works that rows belong to."""
    return _column(connection, "work", rows)


def facet_codes(connection: sqlite3.Connection, rows: Iterable[int]) -> list[bytes]:
    """The facet codes of rows, read as they lie."""
    found = connection.execute(f"SELECT d.codes FROM {_GIVEN}", (_listed(sorted(rows)),))
    return [codes for (codes,) in found]


_GIVEN = "json_each(?) g CROSS JOIN document d ON d.row = g.value"


def _column(connection: sqlite3.Connection, name: str, rows: Iterable[int]) -> dict[int, str]:
    found = connection.execute(f"SELECT d.row, d.{name} FROM {_GIVEN}", (_listed(rows),))
    return dict(found.fetchall())


def _listed(rows: Iterable[int]) -> str:
    return msgspec.json.encode(list(rows)).decode()
