"""Known-item queries, drawn from whatever records are given, and how often they succeed.

A reader knows what exists and types it somehow: in full, a piece of it, in traditional characters,
as pinyin, as initials, with its author, in English, or with one character wrong. A query is drawn
only where one folded title answers it; a record with that folded title among the first three hits
is a success. The generator is seeded and no query is kept: other records give other queries.

The judge folds titles in its own way (NFKC, OpenCC over the whole title, letters and digits only)
and knows nothing of how search cuts or folds them, so that no fault is shared by both.

    python -m bench.known_items --records FILE.jsonl[.gz] --seed N
"""

import argparse
import random
import re
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
import opencc
from pypinyin import lazy_pinyin

from bench.search_records import documents, records_file
from search.backends.sqlite import SqliteIndex
from search.documents import Document
from search.index import Query, SearchIndex, Sort

_FIRST = 3
_DRAWS = 60
_TRIES = 40
_FEWEST_INITIALS = 4
_WORDS = 4
_BATCH = 2_000
_SEED = 20260101
_SIMPLIFIED = opencc.OpenCC("t2s")
_NOT_WORDS = re.compile(r"[\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")


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


def judged(title: str) -> str:
    """A title as the judge compares it: Chinese without marks, words between single spaces."""
    plain = _SIMPLIFIED.convert(unicodedata.normalize("NFKC", title)).casefold()
    words = _NOT_WORDS.sub(" ", plain.replace("'", "").replace("’", "")).split()
    joined = "".join(words)
    return joined if _is_chinese(joined) else " ".join(words)


def _is_chinese(text: str) -> bool:
    return _HAN.fullmatch(text) is not None


class KnownItem(msgspec.Struct, frozen=True):
    """A query and the folded title that answers it."""

    way: Way
    query: str
    answer: str


class KnownItems:
    """Draws queries from documents, the same ones for the same seed."""

    def __init__(self, given: Iterable[Document], seed: int = _SEED) -> None:
        self._random = random.Random(seed)
        self._given = list(given)
        self.titles = {document.id: judged(document.title) for document in self._given}
        self._distinct = set(self.titles.values()) - {""}
        distinct = sorted(self._distinct)
        self._pieces = Counter(piece for one in distinct for piece in _pieces(one))
        self._spans = Counter(span for one in distinct for span in _spans(one))
        self._sounds = _counted(distinct, _joined_pinyin)
        self._initials = _counted(distinct, _initials)
        self._characters = sorted({one for text in distinct for one in text if _is_chinese(one)})
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
            if query and self.titles[document.id]:
                yield KnownItem(way, query, self.titles[document.id])
                drawn += 1
            if drawn == count:
                return

    def _fragment(self, document: Document) -> str | None:
        title = self.titles[document.id]
        choices = [piece for piece in _pieces(title) if self._pieces[piece] == 1]
        return self._random.choice(choices) if choices else None

    def _in_traditional(self, document: Document) -> str | None:
        title = document.title
        other = self._traditional.convert(title)
        return other if other != title and judged(other) == self.titles[document.id] else None

    def _in_pinyin(self, document: Document) -> str | None:
        joined = _joined_pinyin(self.titles[document.id])
        return joined if self._sounds[joined] == 1 else None

    def _in_initials(self, document: Document) -> str | None:
        letters = _initials(self.titles[document.id])
        enough = len(letters) >= _FEWEST_INITIALS
        return letters if enough and self._initials[letters] == 1 else None

    def _with_author(self, document: Document) -> str | None:
        if not document.agents:
            return None
        return f"{document.agents[0]} {document.title}"

    def _in_english(self, document: Document) -> str | None:
        if not document.language.startswith("en"):
            return None
        choices = [span for span in _spans(self.titles[document.id]) if self._spans[span] == 1]
        return self._random.choice(choices) if choices else None

    def _with_a_slip(self, document: Document) -> str | None:
        title = self.titles[document.id]
        if not (3 <= len(title) <= 20 and _is_chinese(title)):
            return None
        place = self._random.randrange(len(title))
        slip = self._random.choice(self._characters)
        wrong = title[:place] + slip + title[place + 1 :]
        return wrong if slip != title[place] and wrong not in self._distinct else None


def _pieces(title: str) -> list[str]:
    """The four-character pieces of a Chinese title that is longer than they are."""
    if len(title) < 6 or not _is_chinese(title):
        return []
    return [title[start : start + 4] for start in range(len(title) - 3)]


def _spans(title: str) -> list[str]:
    """The runs of so many words of a Latin title."""
    words = title.split(" ")
    if not title.isascii():
        return []
    return [" ".join(words[start : start + _WORDS]) for start in range(len(words) - _WORDS + 1)]


def _joined_pinyin(title: str) -> str:
    return "".join(lazy_pinyin(title)) if _is_chinese(title) else ""


def _initials(title: str) -> str:
    if not _is_chinese(title):
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
        for character in set(judged(document.title)):
            if _is_chinese(character):
                holders[character].add(document.id)
    drawn = random.Random(seed).sample(sorted(holders), min(count, len(holders)))
    found = sum(len(holders[one] & _all_ids(index, one)) for one in drawn)
    return found / sum(len(holders[one]) for one in drawn)


def _all_ids(index: SearchIndex, words: str) -> set[str]:
    query = Query(words=words, sort=Sort.TITLE, limit=1000, highlights=False)
    hits = index.search(query)
    ids = {hit.id for hit in hits.items}
    while hits.next is not None:
        hits = index.search(msgspec.structs.replace(query, after=hits.next))
        ids.update(hit.id for hit in hits.items)
    return ids


def measure(index: SearchIndex, given: Sequence[Document], seed: int, *, tell: bool) -> None:
    """Print the success of each way; with ``tell`` what was missed, too."""
    items = KnownItems(given, seed)
    asked = missed = 0
    for way in Way:
        failed, drawn = successes(index, items.draw(way), items.titles)
        print(f"{way.value:16} {1 - len(failed) / max(drawn, 1):7.1%} of {drawn}")
        if way is not Way.WRONG_CHARACTER:  # a figure of its own
            asked, missed = asked + drawn, missed + len(failed)
        for item in failed if tell else ():
            print("    missed", item.query, "→", item.answer)
    print(f"{'overall':16} {1 - missed / max(asked, 1):7.1%} of {asked}")
    print(f"{'one character':16} {one_character_recall(index, given, seed=seed):7.1%} recall")


def main() -> None:
    """Fill an index with the records, and measure it."""
    parser = argparse.ArgumentParser(prog="python -m bench.known_items", description=__doc__)
    parser.add_argument("--records", type=Path, help="JSON lines, gzipped or not")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what was missed")
    asked = parser.parse_args()
    given = list(documents(asked.records or records_file()))
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "bench.sqlite")
        for start in range(0, len(given), _BATCH):
            index.write(given[start : start + _BATCH])
        measure(index, given, asked.seed, tell=asked.verbose)
        index.close()


if __name__ == "__main__":
    main()
