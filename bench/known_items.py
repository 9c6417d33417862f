"""Known-item queries, drawn from whatever records are given, and how often they succeed.

A reader knows what exists and types it somehow: in full, a piece of it, in traditional characters,
as pinyin, as initials, with its author, in English, or with one character wrong. A query is drawn
only where one folded title answers it; a record with that folded title among the first three hits
is a success. The generator is seeded and no query is kept: other records give other queries.
"""

import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
import opencc
from pypinyin import lazy_pinyin

from bench.search_records import documents, records_file
from search.analysis.tokens import is_chinese, key
from search.backends.sqlite import SqliteIndex
from search.documents import Document
from search.index import Query, SearchIndex

_FIRST = 3
_DRAWS = 60
_TRIES = 40
_FEWEST_INITIALS = 4
_WORDS = 4


class Way(StrEnum):
    """How a known title is asked for."""

    FULL = "full"
    FRAGMENT = "fragment"
    TRADITIONAL = "traditional"
    PINYIN = "pinyin"
    INITIALS = "initials"
    AUTHOR_TITLE = "author + title"
    ENGLISH = "English"
    WRONG_CHARACTER = "wrong character"


class KnownItem(msgspec.Struct, frozen=True):
    """A query and the folded title that answers it."""

    way: Way
    query: str
    answer: str


class KnownItems:
    """Draws queries from documents, the same ones for the same seed."""

    def __init__(self, given: Iterable[Document], seed: int = 20260101) -> None:
        self._random = random.Random(seed)
        self._given = list(given)
        self._keys = {document.id: key(document.title) for document in self._given}
        distinct = sorted(set(self._keys.values()))
        self._pieces = Counter(piece for one in distinct for piece in _pieces(one))
        self._spans = Counter(span for one in distinct for span in _spans(one))
        self._sounds = _counted(distinct, _joined_pinyin)
        self._initials = _counted(distinct, _initials)
        self._characters = sorted({one for text in distinct for one in text if is_chinese(one)})
        self._traditional = opencc.OpenCC("s2t")
        self._makers: dict[Way, Callable[[Document], str | None]] = {
            Way.FULL: lambda document: document.title,
            Way.FRAGMENT: self._fragment,
            Way.TRADITIONAL: self._in_traditional,
            Way.PINYIN: self._in_pinyin,
            Way.INITIALS: self._in_initials,
            Way.AUTHOR_TITLE: self._with_author,
            Way.ENGLISH: self._in_english,
            Way.WRONG_CHARACTER: self._with_a_slip,
        }

    def draw(self, way: Way, count: int = _DRAWS) -> Iterator[KnownItem]:
        """At most ``count`` queries of one way, from documents drawn at random."""
        drawn = 0
        for _ in range(count * _TRIES):
            document = self._random.choice(self._given)
            query = self._makers[way](document)
            if query:
                yield KnownItem(way, query, self._keys[document.id])
                drawn += 1
            if drawn == count:
                return

    def _fragment(self, document: Document) -> str | None:
        title = self._keys[document.id]
        choices = [piece for piece in _pieces(title) if self._pieces[piece] == 1]
        return self._random.choice(choices) if choices else None

    def _in_traditional(self, document: Document) -> str | None:
        title = document.title
        other = self._traditional.convert(title)
        return other if other != title and key(other) == self._keys[document.id] else None

    def _in_pinyin(self, document: Document) -> str | None:
        joined = _joined_pinyin(self._keys[document.id])
        return joined if self._sounds[joined] == 1 else None

    def _in_initials(self, document: Document) -> str | None:
        letters = _initials(self._keys[document.id])
        enough = len(letters) >= _FEWEST_INITIALS
        return letters if enough and self._initials[letters] == 1 else None

    def _with_author(self, document: Document) -> str | None:
        if not document.agents:
            return None
        return f"{document.agents[0]} {document.title}"

    def _in_english(self, document: Document) -> str | None:
        if not document.language.startswith("en"):
            return None
        choices = [span for span in _spans(self._keys[document.id]) if self._spans[span] == 1]
        return self._random.choice(choices) if choices else None

    def _with_a_slip(self, document: Document) -> str | None:
        title = self._keys[document.id]
        if not (3 <= len(title) <= 20 and all(map(is_chinese, title))):
            return None
        place = self._random.randrange(len(title))
        slip = self._random.choice(self._characters)
        wrong = title[:place] + slip + title[place + 1 :]
        return wrong if slip != title[place] and wrong not in self._keys.values() else None


def _pieces(title: str) -> list[str]:
    """The four-character pieces of a Chinese title that is longer than they are."""
    if len(title) < 6 or not all(map(is_chinese, title)):
        return []
    return [title[start : start + 4] for start in range(len(title) - 3)]


def _spans(title: str) -> list[str]:
    """The runs of so many words of a Latin title."""
    words = title.split(" ")
    if not title.isascii():
        return []
    return [" ".join(words[start : start + _WORDS]) for start in range(len(words) - _WORDS + 1)]


def _joined_pinyin(title: str) -> str:
    return "".join(lazy_pinyin(title)) if all(map(is_chinese, title)) else ""


def _initials(title: str) -> str:
    if not all(map(is_chinese, title)):
        return ""
    letters = "".join(syllable[0] for syllable in lazy_pinyin(title))
    return letters if letters.isascii() else ""


def _counted(titles: Sequence[str], form: Callable[[str], str]) -> Counter[str]:
    counted = Counter(map(form, titles))
    del counted[""]
    return counted


def successes(
    index: SearchIndex, items: Iterable[KnownItem], titles: dict[str, str]
) -> tuple[list[KnownItem], int]:
    """The queries that missed, and how many there were; ``titles`` are folded titles by id."""
    missed, asked = [], 0
    for item in items:
        asked += 1
        hits = index.search(Query(words=item.query, limit=_FIRST)).items
        if item.answer not in (titles[hit.id] for hit in hits):
            missed.append(item)
    return missed, asked


def one_character_recall(
    index: SearchIndex, given: Sequence[Document], count: int = 40, seed: int = 7
) -> float:
    """Of all (character, record) pairs of a substring scan over titles, the share found."""
    holders: dict[str, set[str]] = defaultdict(set)
    for document in given:
        for character in set(key(document.title)):
            if is_chinese(character):
                holders[character].add(document.id)
    drawn = random.Random(seed).sample(sorted(holders), min(count, len(holders)))
    found = sum(len(holders[one] & _all_ids(index, one)) for one in drawn)
    return found / sum(len(holders[one]) for one in drawn)


def _all_ids(index: SearchIndex, words: str) -> set[str]:
    query = Query(words=words, sort="title", limit=1000, highlights=False)
    hits = index.search(query)
    ids = {hit.id for hit in hits.items}
    while hits.next is not None:
        hits = index.search(msgspec.structs.replace(query, after=hits.next))
        ids.update(hit.id for hit in hits.items)
    return ids


def main() -> None:
    """Print the success of each way over the shared records, and what was missed with ``-v``."""
    given = list(documents(records_file()))
    items = KnownItems(given)
    titles = {document.id: key(document.title) for document in given}
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "bench.sqlite")
        for start in range(0, len(given), 2_000):
            index.write(given[start : start + 2_000])
        for way in Way:
            missed, asked = successes(index, items.draw(way), titles)
            print(f"{way.value:16} {1 - len(missed) / max(asked, 1):7.1%} of {asked}")
            if "-v" in sys.argv:
                for item in missed:
                    print("    missed", item.query, "→", item.answer)
        print(f"{'one character':16} {one_character_recall(index, given):7.1%} recall")
        index.close()


if __name__ == "__main__":
    main()
