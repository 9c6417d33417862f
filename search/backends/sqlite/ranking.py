"""Order by relevance: bm25 over weighted columns, raised where the query begins or is a title."""

import sqlite3
from collections.abc import Sequence

from search.analysis.syllables import plain
from search.analysis.tokens import is_chinese
from search.analysis.words import Words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.backends.sqlite.matching import (
    Scored,
    beginning_titles,
    folded_titles,
    match_words,
    only_passing,
    titles_of,
)
from search.entries import BY_INITIALS, BY_OTHER, BY_PINYIN, BY_TITLE, JOINED, title_key
from search.index import EXACT_TO, RELEVANCE_DEPTH

_RAISE = {BY_TITLE: 200.0, BY_OTHER: 120.0, BY_PINYIN: 80.0, BY_INITIALS: 60.0}
_RAISE_BEGINNING = 0.4  # of the above, by the share of the title that was typed
_RAISE_WITHIN = 4.0  # by the same share, wherever in the title it stands
_RAISE_PART = 0.25  # of the above for a title that is a part of the query, and more by its share
#: With more records than this by their words, letters are words and not pinyin.
_FEW = 30


def ranked(connection: sqlite3.Connection, words: Words, condition: Where) -> list[Scored]:
    """The best ``EXACT_TO`` + 1 rows of a query's words or sounds, best first."""
    matches = match_words(connection, "words", fts.all_of(words), condition)
    raised = _raised(connection, (BY_TITLE, BY_OTHER), words.key)
    missing = set(raised).difference(_rows(matches)) if len(matches) > EXACT_TO else set()
    if len(matches) < _FEW:
        matches += _by_name(connection, words, condition, _rows(matches))
    if words.latin and len(matches) < _FEW:
        matches += _by_sound(connection, words, condition, _rows(matches))
        sounding = _raised(connection, (BY_PINYIN, BY_INITIALS), plain(words.latin))
        missing |= set(sounding).difference(_rows(matches))
        raised = {**sounding, **raised}
    if missing:
        matches += only_passing(connection, missing, condition)
    return _in_order(connection, matches, words.key, raised)


def loosely_ranked(connection: sqlite3.Connection, words: Words, condition: Where) -> list[Scored]:
    """Rows with any of the words, those first whose whole title is some of the words in a row."""
    matches = match_words(connection, "words", fts.any_of(words), condition)
    keys = {
        title_key(way, part): _RAISE[way] * (_RAISE_PART + len(part) / len(words.key))
        for way in (BY_OTHER, BY_TITLE)
        for part in words.parts
    }
    raised: dict[int, float] = {}
    for key, row in titles_of(connection, list(keys)):
        raised[row] = max(raised.get(row, 0.0), keys[key])
    missing = set(raised).difference(_rows(matches))
    return _in_order(
        connection, matches + only_passing(connection, missing, condition), words.key, raised
    )


def _in_order(
    connection: sqlite3.Connection, matches: list[Scored], key: str, raised: dict[int, float]
) -> list[Scored]:
    """Best first as far as readers can go; the rest is only counted and stays as it came."""
    head, tail = matches[:RELEVANCE_DEPTH], matches[RELEVANCE_DEPTH:]
    if raised:
        head += [one for one in tail if one[0] in raised]
        tail = [one for one in tail if one[0] not in raised]
    titles = folded_titles(connection, _rows(head))
    final = [(row, score + raised.get(row, 0.0) + _within(key, titles[row])) for row, score in head]
    return sorted(final, key=lambda one: (-one[1], one[0])) + tail


def _within(key: str, title: str) -> float:
    return _RAISE_WITHIN * len(key) / len(title) if key in title else 0.0


def _rows(matches: Sequence[Scored]) -> set[int]:
    return {row for row, _ in matches}


def _by_name(
    connection: sqlite3.Connection, words: Words, condition: Where, known: set[int]
) -> list[Scored]:
    """Records that name one of the words in pinyin, as catalogues abroad do: Cao, Xueqin."""
    expression = fts.romanised(words)
    return _others(connection, "words", expression, condition, known) if expression else []


def _by_sound(
    connection: sqlite3.Connection, words: Words, condition: Where, known: set[int]
) -> list[Scored]:
    expression = fts.sounds_of(words.latin)
    return _others(connection, "sounds", expression, condition, known) if expression else []


def _others(
    connection: sqlite3.Connection, table: str, expression: str, condition: Where, known: set[int]
) -> list[Scored]:
    found = match_words(connection, table, expression, condition)
    return [one for one in found if one[0] not in known]


def _raised(connection: sqlite3.Connection, ways: tuple[str, ...], key: str) -> dict[int, float]:
    """What to add to the score of rows whose titles are, or begin with, the query."""
    raised: dict[int, float] = {}
    for way in ways:
        whole = title_key(way, key)
        start = whole + ("" if way in JOINED or is_chinese(key[-1:]) else " ")
        for row, length in beginning_titles(connection, start):
            share = _RAISE_BEGINNING * len(whole) / length
            raised[row] = max(raised.get(row, 0.0), _RAISE[way] * share)
        for _, row in titles_of(connection, [whole]):
            raised[row] = max(raised.get(row, 0.0), _RAISE[way])
    return raised
