"""Completions: titles that begin, or sound as if they began, with what was typed so far."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from search.analysis.syllables import plain
from search.analysis.words import Words, read_words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.backends.sqlite.schema import decode_stored
from search.entries import BY_OTHER, BY_TITLE, JOINED, title_key
from search.index import Suggestion

_MOST_LOOKED_AT = 5_000
#: Several records often bear one title, and each is suggested once.
_SPARE = 4


def suggestions(
    connection: sqlite3.Connection, text: str, condition: Where, limit: int
) -> list[Suggestion]:
    """At most ``limit`` different titles: by their beginning first, then by a word in them."""
    words = read_words(text)
    if not words.items or limit < 1:
        return []
    found: dict[str, Suggestion] = {}
    for key, identifier, fields in _rows(connection, words, condition, limit * _SPARE):
        found.setdefault(key, Suggestion(decode_stored(fields).title, identifier))
        if len(found) == limit:
            break
    return list(found.values())


def _rows(
    connection: sqlite3.Connection, words: Words, condition: Where, most: int
) -> Iterator[tuple[str, str, bytes]]:
    ways = [(BY_TITLE, words.key), (BY_OTHER, words.key)]
    if words.latin:
        ways += [(way, plain(words.latin)) for way in JOINED]
    for way, key in ways:
        rows = _beginning(connection, title_key(way, key))
        yield from islice(_shown(connection, rows, condition), most)
    yield from _shown(connection, _inside(connection, words, condition, most), condition)


def _shown(
    connection: sqlite3.Connection, rows: Iterable[tuple[int]], condition: Where
) -> Iterator[tuple[str, str, bytes]]:
    """Row by row, for who asks needs only the first few: sorting them all would read them all."""
    passing = f" AND {condition.sql}" if condition.sql else ""
    for row in rows:
        yield from connection.execute(
            "SELECT d.key, d.id, s.fields FROM document d JOIN stored s ON s.row = d.row"
            f" WHERE d.row = ?{passing}",
            [*row, *condition.parameters],
        )


def _beginning(connection: sqlite3.Connection, start: str) -> Iterator[tuple[int]]:
    """Short titles first: what was meant is more often the book than its commentaries."""
    return connection.execute(
        "SELECT row FROM (SELECT row, length(key) AS size FROM title WHERE key >= ? AND key < ?"
        f" LIMIT {_MOST_LOOKED_AT}) ORDER BY size, row",
        (start, start + fts.LAST_CHARACTER),
    )


def _inside(
    connection: sqlite3.Connection, words: Words, condition: Where, most: int
) -> Iterator[tuple[int]]:
    passing = f" WHERE {condition.sql}" if condition.sql else ""
    return connection.execute(
        "SELECT d.row FROM"
        f" (SELECT rowid FROM words WHERE words MATCH ? LIMIT {_MOST_LOOKED_AT}) t"
        f" CROSS JOIN document d ON d.row = t.rowid{passing}"
        f" ORDER BY length(d.key), d.key, d.row LIMIT {most}",
        [fts.title_beginning(words), *condition.parameters],
    )
