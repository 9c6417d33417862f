"""Cutting folded text: bigrams for Chinese, words for everything else.

A run of Chinese characters gives its overlapping bigrams and then its last character, so that
every character begins some token and a prefix finds it anywhere (红楼梦 gives 红楼, 楼梦, 梦).
Punctuation and line ends between Chinese characters are looked through: 《红楼梦》研究 is one run,
as a reader who leaves the marks out expects, and as scanned lines need.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from operator import add

from search.analysis.folding import fold
from search.analysis.isbn import normal_isbn
from search.analysis.stemming import stem

#: Ideographs of every plane, their radicals and private additions, kana and hangul.
CHINESE = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3041-\u3096\u309d-\u30fa"
    "\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\ue000-\ufaff\U00020000-\U0003ffff\U000f0000-\U0010ffff"
)
_LETTER = rf"[^\W_{CHINESE}]"
_CLITIC = rf"(?:['’ʼ]{_LETTER}{{1,2}}(?!{_LETTER}))?"  # the 's of "Alice's" belongs to its word
RUN = re.compile(rf"[{CHINESE}](?:[^\w{CHINESE}]{{0,4}}[{CHINESE}])*|{_LETTER}+{_CLITIC}")
#: The same of a text that has nothing but ASCII, as most identifiers and every second title.
_ASCII_RUN = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]{1,2}(?![A-Za-z0-9]))?")
_IS_CHINESE = re.compile(f"[{CHINESE}]")
_NOT_CHINESE = re.compile(f"[^{CHINESE}]")
_APOSTROPHES = str.maketrans("", "", "'’ʼ")

_FIRST_CHINESE = CHINESE[0]

LONGEST_WORD = 64
STEM_MARK = "ˢ"  # keeps stems apart from words: 'ˢhistori'


def is_chinese(text: str) -> bool:
    """Whether ``text`` begins with a character that is cut into bigrams."""
    return text[:1] >= _FIRST_CHINESE and _IS_CHINESE.match(text) is not None


def runs(folded: str) -> list[str]:
    """The runs of a folded text in order: Chinese without marks between, and single words."""
    found = (_ASCII_RUN if folded.isascii() else RUN).findall(folded)
    return [run if len(run) <= LONGEST_WORD and run.isalnum() else clean_run(run) for run in found]


def clean_run(run: str) -> str:
    """A run without what stands between its characters, cut to what an index keeps of a word."""
    if is_chinese(run):
        return run if len(run) == 1 else _NOT_CHINESE.sub("", run)
    return run.translate(_APOSTROPHES)[:LONGEST_WORD]


def run_tokens(run: str) -> list[str]:
    """The tokens of one run: a word is its own, a Chinese run its bigrams and its last."""
    if not is_chinese(run):
        return [run]
    return [*map(add, run, run[1:]), run[-1]]


def tokens(text: str) -> list[str]:
    """The tokens of a text as it was written, in order."""
    return _cut(runs(fold(text)))


def title_tokens(title: str) -> list[str]:
    """The same of a title, whose runs are asked for again and again."""
    return _cut(title_runs(title))


def _cut(folded: Iterable[str]) -> list[str]:
    cut: list[str] = []
    for run in folded:
        if run < _FIRST_CHINESE:
            cut.append(run)
        else:
            cut += run_tokens(run)
    return cut


def stems(words: Iterable[str]) -> list[str]:
    """The marked stems of English words that are not among the words themselves, each once."""
    plain = set(words)
    return [STEM_MARK + base for base in sorted(set(map(stem, plain)) - plain)]


def key(text: str) -> str:
    """What two titles have in common when they are the same title: their runs and nothing else."""
    return " ".join(title_runs(text))


@lru_cache(maxsize=16)
def title_runs(title: str) -> tuple[str, ...]:
    """The folded runs of a title: its tokens, its key and its sounds are all made of them."""
    return tuple(runs(fold(title)))


def identifier_tokens(identifier: str) -> list[str]:
    """An ISBN as its thirteen digits; any other identifier as its words."""
    isbn = normal_isbn(identifier)
    return [isbn] if isbn else tokens(identifier)
