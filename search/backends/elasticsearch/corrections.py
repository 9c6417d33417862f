"""When nothing is found: the titles that a mistyped character, and the words that a letter, hides.

Candidates are asked for under the caller's own conditions, so a correction never tells of a record
that the caller may not see; words with a letter wrong are mended from all, and then searched for
under the conditions before anything is said.
"""

from collections.abc import Iterator, Sequence

import msgspec

from search.analysis.tokens import STEM_MARK, is_chinese
from search.analysis.words import Word, Words
from search.backends.elasticsearch import expressions
from search.backends.elasticsearch.answers import Answer, Body
from search.backends.elasticsearch.filters import Clause
from search.entries import BY_TITLE
from search.spelling import nearest_in_titles

_MOST_CANDIDATES = 150
_SHORT = 3
_SHORTEST_LATIN = 4
_LONGEST_LATIN = 24
_MOST_SPELLINGS = 5
_LOOKED_AT = 100


class _Unsure(msgspec.Struct):
    """A word of the query, and what was asked about it."""

    word: Word
    bodies: Sequence[Body]
    better: str | None = None


class Corrections:
    """The corrections of one query: questions first, then the best from their answers."""

    def __init__(self, words: Words, passing: Sequence[Clause]) -> None:
        self._passing = passing
        self._words = [_Unsure(word, list(self._about(word))) for word in words.items]

    @property
    def bodies(self) -> list[Body]:
        """What is to be asked."""
        return [body for unsure in self._words for body in unsure.bodies]

    @property
    def best(self) -> str | None:
        """The query with its unknown words mended; None when there is nothing to mend."""
        if not any(unsure.better for unsure in self._words):
            return None
        return " ".join(unsure.better or unsure.word.text for unsure in self._words)

    def take(self, answers: Sequence[Answer]) -> None:
        """The answers to ``bodies``, in order."""
        rest = iter(answers)
        for unsure in self._words:
            known, *helping = (next(rest) for _ in unsure.bodies)
            if not known.total:
                unsure.better = _mended(unsure.word, helping)

    def _about(self, word: Word) -> Iterator[Body]:
        yield {
            "size": 0,
            "terminate_after": 1,
            "track_total_hits": True,
            "query": {"bool": {"filter": expressions.known(word)}},
        }
        if not is_chinese(word.text):
            yield from _spellings(word)
        elif not word.prefix:
            yield from self._titles_like(word)

    def _titles_like(self, word: Word) -> Iterator[Body]:
        """Folded titles that share pairs of characters, or, of short words, first and length."""
        shared = {"match": {"title": " ".join(word.tokens)}}
        yield self._titles({"filter": list(self._passing), "must": shared})
        if len(word.text) <= _SHORT:
            first = expressions.key_beginning(BY_TITLE, word.text[0])
            same = {"term": {"title_size": len(word.text)}}
            yield self._titles({"filter": [*self._passing, first, same]})

    def _titles(self, asked: Clause) -> Body:
        return {
            "size": _MOST_CANDIDATES,
            "query": {"bool": asked},
            "track_total_hits": False,
            "_source": False,
            "docvalue_fields": ["key"],
        }


def _spellings(word: Word) -> Iterator[Body]:
    """The commonest known words one letter away."""
    letters = word.text
    fits = _SHORTEST_LATIN <= len(letters) <= _LONGEST_LATIN and letters.isascii()
    if len(word.tokens) == 1 and fits:
        spelled = {
            "field": "words",
            "suggest_mode": "always",
            "max_edits": 1,
            "prefix_length": 0,
            "sort": "frequency",
            "size": _MOST_SPELLINGS,
            "shard_size": _LOOKED_AT,
        }
        yield {"size": 0, "suggest": {"spelled": {"text": letters, "term": spelled}}}


def _mended(word: Word, helping: Sequence[Answer]) -> str | None:
    if is_chinese(word.text):
        titles = [row.fields["key"][0] for one in helping for row in one.rows if row.fields]
        return nearest_in_titles(word.text, titles)
    options = [
        option["text"]
        for one in helping
        for spelled in one.suggest.get("spelled", [])
        for option in spelled.options
    ]
    return next((one for one in options if not one.startswith(STEM_MARK)), None)
