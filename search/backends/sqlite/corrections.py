"""When nothing is found: the titles that a mistyped character, and the words that a letter, hides.

Candidates come from the index under the caller's own condition, so a correction never tells of a
record that the caller may not see.
"""

import sqlite3
from string import ascii_lowercase

import msgspec

from search.analysis.tokens import is_chinese
from search.analysis.words import Word, Words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.entries import BY_TITLE, title_key
from search.spelling import nearest_in_titles

_MOST_CANDIDATES = 150
_SHORT = 3
_SHORTEST_LATIN = 4
_LONGEST_LATIN = 24


def corrected(connection: sqlite3.Connection, words: Words, condition: Where) -> str | None:
    """The query with its unknown words mended; None when there is nothing to mend it with."""
    mended = []
    for word in words.items:
        better = None if _is_known(connection, word) else _mend(connection, word, condition)
        mended.append(better or word.text)
    changed = [word.text for word in words.items] != mended
    return " ".join(mended) if changed else None


def _is_known(connection: sqlite3.Connection, word: Word) -> bool:
    found = connection.execute(
        "SELECT 1 FROM words WHERE words MATCH ? LIMIT 1", (fts.one_of(word),)
    )
    return found.fetchone() is not None


def _mend(connection: sqlite3.Connection, word: Word, condition: Where) -> str | None:
    if is_chinese(word.text):
        return _mend_chinese(connection, word, condition)
    return _mend_latin(connection, word) if len(word.tokens) == 1 else None


def _mend_chinese(connection: sqlite3.Connection, word: Word, condition: Where) -> str | None:
    return nearest_in_titles(word.text, _candidates(connection, word, condition))


def _candidates(connection: sqlite3.Connection, word: Word, condition: Where) -> list[str]:
    """Folded titles that share pairs of characters, or, of short words, the first and length."""
    passing = f" AND {condition.sql}" if condition.sql else ""
    shared = " OR ".join(f'"{token}"' for token in word.tokens)
    rows = connection.execute(
        f"SELECT d.key FROM words CROSS JOIN document d ON d.row = words.rowid"
        f" WHERE words MATCH ?{passing} ORDER BY bm25(words, 10.0, 0, 0, 0, 0, 0, 0)"
        f" LIMIT {_MOST_CANDIDATES}",
        [f"title : ({shared})", *condition.parameters],
    ).fetchall()
    if len(word.text) <= _SHORT:
        first = title_key(BY_TITLE, word.text[0])
        rows += connection.execute(
            "SELECT d.key FROM title t CROSS JOIN document d ON d.row = t.row"
            f" WHERE t.key > ? AND t.key < ? AND length(t.key) = ?{passing}"
            f" LIMIT {_MOST_CANDIDATES}",
            [first, first + fts.LAST_CHARACTER, len(word.text) + 1, *condition.parameters],
        ).fetchall()
    return [key for (key,) in rows]


def _mend_latin(connection: sqlite3.Connection, word: Word) -> str | None:
    """The commonest known word one letter away."""
    letters = word.text
    if not _SHORTEST_LATIN <= len(letters) <= _LONGEST_LATIN or not letters.isascii():
        return None
    found = connection.execute(
        "SELECT term FROM json_each(?) JOIN vocabulary ON term = value ORDER BY doc DESC LIMIT 1",
        (msgspec.json.encode(sorted(_one_away(letters))).decode(),),
    ).fetchone()
    return found[0] if found else None


def _one_away(word: str) -> set[str]:
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    dropped = {a + b[1:] for a, b in splits if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    replaced = {a + letter + b[1:] for a, b in splits if b for letter in ascii_lowercase}
    added = {a + letter + b for a, b in splits for letter in ascii_lowercase}
    return (dropped | swapped | replaced | added) - {word}
