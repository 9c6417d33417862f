"""Order by relevance: bm25 over weighted columns, raised where the query begins or is a title."""

import sqlite3

from search.analysis.syllables import plain
from search.analysis.tokens import is_chinese
from search.analysis.words import Words
from search.backends.sqlite import expressions as fts
from search.backends.sqlite.filters import Where
from search.backends.sqlite.matching import (
    Match,
    beginning_titles,
    match_rows,
    match_words,
    whole_titles,
)
from search.index import EXACT_TO, RELEVANCE_DEPTH

_RAISE = {fts.BY_TITLE: 200.0, fts.BY_OTHER: 120.0, fts.BY_PINYIN: 80.0, fts.BY_INITIALS: 60.0}
_RAISE_BEGINNING = 0.4  # of the above, by the share of the title that was typed
_RAISE_WITHIN = 4.0  # by the same share, wherever in the title it stands
#: With more records than this by their words, letters are words and not pinyin.
_FEW = 30


def ranked(connection: sqlite3.Connection, words: Words, condition: Where) -> list[Match]:
    """The best ``EXACT_TO`` + 1 matches of a query's words or sounds, best first."""
    matches = match_words(connection, "words", fts.all_of(words), condition)
    raised = _raised(connection, (fts.BY_TITLE, fts.BY_OTHER), words.key)
    missing = set(raised).difference(match.row for match in matches) if _is_cut(matches) else set()
    if words.latin and len(matches) < _FEW:
        matches += _by_sound(connection, words, condition, {match.row for match in matches})
        sounding = _raised(connection, (fts.BY_PINYIN, fts.BY_INITIALS), plain(words.latin))
        missing |= set(sounding).difference(match.row for match in matches)
        raised = {**sounding, **raised}
    if missing:
        matches += match_rows(connection, missing, condition)
    return _in_order(matches, words.key, raised)


def _in_order(matches: list[Match], key: str, raised: dict[int, float]) -> list[Match]:
    """Best first as far as readers can go; the rest is only counted and stays as it came."""
    head, tail = matches[:RELEVANCE_DEPTH], matches[RELEVANCE_DEPTH:]
    head += [match for match in tail if match.row in raised]
    tail = [match for match in tail if match.row not in raised]
    for match in head:
        match.score += raised.get(match.row, 0.0)
        if key in match.key:
            match.score += _RAISE_WITHIN * len(key) / len(match.key)
    head.sort(key=lambda match: (-match.score, match.row))
    return head + tail


def _is_cut(matches: list[Match]) -> bool:
    return len(matches) > EXACT_TO


def _by_sound(
    connection: sqlite3.Connection, words: Words, condition: Where, known: set[int]
) -> list[Match]:
    expression = fts.sounds_of(words.latin)
    if not expression:
        return []
    found = match_words(connection, "sounds", expression, condition)
    return [match for match in found if match.row not in known]


def _raised(connection: sqlite3.Connection, ways: tuple[str, ...], key: str) -> dict[int, float]:
    """What to add to the score of rows whose titles are, or begin with, the query."""
    raised: dict[int, float] = {}
    for way in ways:
        whole = fts.title_key(way, key)
        start = whole + ("" if way in fts.JOINED or is_chinese(key[-1:]) else " ")
        for row, length in beginning_titles(connection, start):
            share = _RAISE_BEGINNING * len(whole) / length
            raised[row] = max(raised.get(row, 0.0), _RAISE[way] * share)
        for row in whole_titles(connection, whole):
            raised[row] = max(raised.get(row, 0.0), _RAISE[way])
    return raised
