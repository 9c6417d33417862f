"""Reading what a reader typed. Everything is literal: no character is an operator.

The work is bounded: so many characters are read, so many words kept, so many tokens a word.
"""

from itertools import combinations

import msgspec

from search.analysis.folding import fold
from search.analysis.isbn import normal_isbn
from search.analysis.stemming import stem
from search.analysis.tokens import is_chinese, run_tokens, runs

LONGEST_QUERY = 400
MOST_WORDS = 24
MOST_TOKENS = 48
#: Words of a Latin phrase that are looked for: where each is in most records (the-the-…), every
#: further one costs as much again, and a dozen in a row say which title is meant.
MOST_IN_PHRASE = 12
_MOST_IN_PARTS = 12


class Word(msgspec.Struct, frozen=True):
    """A phrase of adjacent tokens that a record must have.

    ``prefix`` marks a single Chinese character, which begins a token wherever it stands.
    ``stem`` is empty where it adds nothing.
    """

    text: str
    tokens: tuple[str, ...]
    prefix: bool = False
    stem: str = ""


class Words(msgspec.Struct, frozen=True):
    """A query read: its words, and the ``key`` that an equal title has.

    ``isbn`` is set when the whole query is one; ``latin`` are its letters joined, when it has
    nothing else and so may be pinyin.
    """

    items: tuple[Word, ...]
    key: str = ""
    isbn: str = ""
    latin: str = ""

    @property
    def key_tokens(self) -> tuple[str, ...]:
        """The tokens of all words in a row, as a title made of them has them."""
        cut = [token for run in self.key.split(" ") for token in run_tokens(run)]
        whole = cut[:-1] if len(cut) > 1 and is_chinese(cut[-1]) else cut
        most = MOST_TOKENS if any(map(is_chinese, whole)) else MOST_IN_PHRASE
        return tuple(whole[:most])

    @property
    def parts(self) -> tuple[str, ...]:
        """The keys of titles that are some of the words in a row; of the first dozen words."""
        texts = [word.text for word in self.items[:_MOST_IN_PARTS]]
        spans = combinations(range(len(texts) + 1), 2)
        return tuple({" ".join(runs(" ".join(texts[start:end]))): None for start, end in spans})


def read_words(text: str) -> Words:
    """Read a query; one of nothing but marks has no items."""
    folded = fold(text[:LONGEST_QUERY])
    key = " ".join(runs(folded))
    isbn = normal_isbn(folded) or ""
    items = dict.fromkeys(word for chunk in folded.split() for word in _chunk_words(chunk))
    letters = key.replace(" ", "")
    is_latin = letters.isascii() and letters.isalpha()
    return Words(tuple(items)[:MOST_WORDS], key, isbn, letters if is_latin else "")


def _chunk_words(chunk: str) -> list[Word]:
    """The words of what stood between two spaces: Latin runs in a row are one phrase (pg:1342)."""
    words: list[Word] = []
    phrase: list[str] = []
    for run in runs(chunk):
        if not is_chinese(run):
            phrase.append(run)
            continue
        if phrase:
            words.append(_latin(phrase))
            phrase = []
        words.append(_chinese(run))
    return [*words, _latin(phrase)] if phrase else words


def _chinese(run: str) -> Word:
    if len(run) == 1:
        return Word(run, (run,), prefix=True)
    return Word(run, tuple(run_tokens(run)[:-1][:MOST_TOKENS]))


def _latin(phrase: list[str]) -> Word:
    base = stem(phrase[0]) if len(phrase) == 1 else ""
    return Word(" ".join(phrase), tuple(phrase[:MOST_IN_PHRASE]), stem=base)
