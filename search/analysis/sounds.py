"""How titles sound: pinyin without tones, initials, and the key that sorts by them.

The readings are pypinyin's data, read from its files when first needed and cut to what differs
from a character's usual reading: its own interface takes five times as long, and its import a
third of a web worker's memory. Those of phrases are needed only where documents are written.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
import opencc

from search.analysis.folding import fold
from search.analysis.syllables import plain
from search.analysis.tokens import is_chinese, runs, title_runs

_TO_SIMPLIFIED = opencc.OpenCC("t2s")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: Sorting looks at so many characters of a title.
_COLLATED = 60


class _Phrases(msgspec.Struct, frozen=True):
    """``special`` are those read otherwise than by character; ``starts`` of all that are known."""

    special: dict[str, tuple[str, ...]]
    starts: frozenset[str]


def _data(name: str) -> bytes:
    spec = find_spec("pypinyin")
    if spec is None or spec.origin is None:
        raise RuntimeError("pypinyin is not installed: titles cannot be given their pinyin")
    return (Path(spec.origin).parent / name).read_bytes()


@lru_cache(maxsize=1)
def readings_of_characters() -> Mapping[str, str]:
    """The usual reading of each character known, without its tone."""
    characters = msgspec.json.decode(_data("pinyin_dict.json"), type=dict[str, str])
    return {chr(int(point)): _toneless(all_.split(",")[0]) for point, all_ in characters.items()}


@lru_cache(maxsize=1)
def _readings_of_phrases() -> _Phrases:
    usual = readings_of_characters()
    phrases = msgspec.json.decode(_data("phrases_dict.json"), type=dict[str, list[list[str]]])
    special = {
        phrase: reading
        for phrase, syllables in phrases.items()
        if len(phrase) == len(syllables)
        and (reading := tuple(_toneless(one[0]) for one in syllables))
        != tuple(usual.get(character) for character in phrase)
    }
    starts = {phrase[:end] for phrase in phrases for end in range(1, len(phrase) + 1)}
    return _Phrases(special, frozenset(starts))


@lru_cache(maxsize=4096)
def _toneless(syllable: str) -> str:
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return plain("".join(letter for letter in letters if letter.isascii()))


@lru_cache(maxsize=1024)
def pinyin(chinese: str) -> tuple[str, ...]:
    """One syllable for each character, by the longest phrases known; unknown ones stay."""
    usual, phrases = readings_of_characters(), _readings_of_phrases()
    starts, special = phrases.starts, phrases.special
    syllables = [usual.get(character, character) for character in chinese]
    place, size = 0, len(chinese)
    while place < size:
        end = place + 2
        while end <= size and chinese[place:end] in starts:
            end += 1
        phrase = chinese[place : end - 1]
        if phrase in special:
            syllables[place : end - 1] = special[phrase]
        place = end - 1
    return tuple(syllables)


def sounds(title: str) -> list[list[str]]:
    """The ways a title with Chinese in it may be read, likeliest first: lists of syllables.

    By phrases of its simplified form (重庆 is chong qing), by phrases as it is written, and by each
    character's usual reading, which is what hasty readers type. A Latin word counts as a syllable.
    """
    if title.isascii():
        return []
    folded = title_runs(title)
    if not any(map(is_chinese, folded)):
        return []
    written = _LONE_SURROGATE.sub(" ", unicodedata.normalize("NFKC", title))
    usual = readings_of_characters()
    texts = dict.fromkeys((_TO_SIMPLIFIED.convert(written), written))
    by_phrase = [_syllables(runs(text)) for text in texts]
    alone = [
        syllable
        for run in folded
        for syllable in ([usual.get(one, one) for one in run] if is_chinese(run) else [run])
    ]
    return list({" ".join(reading): reading for reading in (*by_phrase, alone)}.values())


def _syllables(written: Sequence[str]) -> list[str]:
    return [
        syllable
        for run in written
        for syllable in (pinyin(run) if is_chinese(run) else (plain(fold(run)),))
    ]


def initials(syllables: Sequence[str]) -> str:
    """The first letters of syllables: hlm."""
    return "".join(syllable[0] for syllable in syllables)


def collation_key(key: str) -> str:
    """A string whose byte order is the order of a Chinese shelf, from a folded title.

    Pinyin decides, then the character, one by one, so that all of 张 stand before 章 within zhang;
    digits and Latin words stand as they are.
    """
    start = key[:_COLLATED]
    return start if start.isascii() else " ".join(map(_collated, start.split(" ")))


def _collated(run: str) -> str:
    if not is_chinese(run):
        return run
    return " ".join(map("\u0001".join, zip(pinyin(run), run, strict=True)))
