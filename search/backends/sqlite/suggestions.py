"""Completions: titles that begin, or sound as if they began, with what was typed so far."""

import sqlite3
from collections.abc import Iterator

from search.analysis.syllables import plain
from search.analysis.words import Words, read_words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.backends.sqlite.schema import decode_stored
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
    yield from _beginning(connection, fts.title_key(fts.BY_TITLE, words.key), condition, most)
    yield from _beginning(connection, fts.title_key(fts.BY_OTHER, words.key), condition, most)
    for way in fts.JOINED if words.latin else ():
        key = fts.title_key(way, plain(words.latin))
        yield from _beginning(connection, key, condition, most)
    yield from _inside(connection, words, condition, most)


def _beginning(
    connection: sqlite3.Connection, start: str, condition: Where, most: int
) -> Iterator[tuple[str, str, bytes]]:
    """Short titles first: what was meant is more often the book than its commentaries."""
    yield from connection.execute(
        "SELECT d.key, d.id, s.fields FROM"
        f" (SELECT row FROM title WHERE key >= ? AND key < ? LIMIT {_MOST_LOOKED_AT}) t"
        " CROSS JOIN document d ON d.row = t.row JOIN stored s ON s.row = d.row"
        f"{_passing(condition)} ORDER BY length(d.key), d.key, d.row LIMIT {most}",
        [start, start + fts.LAST_CHARACTER, *condition.parameters],
    )


def _inside(
    connection: sqlite3.Connection, words: Words, condition: Where, most: int
) -> Iterator[tuple[str, str, bytes]]:
    yield from connection.execute(
        "SELECT d.key, d.id, s.fields FROM"
        f" (SELECT rowid FROM words WHERE words MATCH ? LIMIT {_MOST_LOOKED_AT}) t"
        " CROSS JOIN document d ON d.row = t.rowid JOIN stored s ON s.row = d.row"
        f"{_passing(condition)} ORDER BY length(d.key), d.key, d.row LIMIT {most}",
        [fts.title_beginning(words), *condition.parameters],
    )


def _passing(condition: Where) -> str:
    return f" WHERE {condition.sql}" if condition.sql else ""
