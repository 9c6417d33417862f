"""English stems: Porter's algorithm ("An algorithm for suffix stripping", Program 14, 1980)."""

import re
from functools import lru_cache

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize",
    "abli": "able", "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize",
    "ation": "ate", "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful",
    "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou",
    "ism", "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip
_ENDINGS_2 = tuple(sorted(_STEP_2, key=len, reverse=True))
_ENDINGS_3 = tuple(sorted(_STEP_3, key=len, reverse=True))
_ENDINGS_4 = tuple(sorted(_STEP_4, key=len, reverse=True))
_ENGLISH = re.compile(r"[a-z]{3,40}")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a folded English word; anything else comes back as it is."""
    if not _ENGLISH.fullmatch(word):
        return word
    word = _tidy_y(_step_1b(_step_1a(word)))
    word = _replace(word, _ENDINGS_2, _STEP_2)
    word = _replace(word, _ENDINGS_3, _STEP_3)
    return _step_5(_step_4(word))


def _shape(text: str) -> str:
    """``text`` as a string of ``v`` and ``c``: y is a vowel after a consonant (section 2)."""
    shape = ""
    for letter in text:
        vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if vowel else "c"
    return shape


def _measure(text: str) -> int:
    """m in [C](VC)^m[V]: how often a vowel is followed by a consonant."""
    return _shape(text).count("vc")


def _ends_double(text: str) -> bool:
    return len(text) > 1 and text[-1] == text[-2] and _shape(text)[-1] == "c"


def _ends_cvc(text: str) -> bool:
    return _shape(text)[-3:] == "cvc" and text[-1] not in "wxy"


def _step_1a(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _step_1b(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        base = word.removesuffix(ending)
        if base != word and "v" in _shape(base):
            return _mend(base)
    return word


def _mend(base: str) -> str:
    if base.endswith(("at", "bl", "iz")):
        return base + "e"
    if _ends_double(base) and base[-1] not in "lsz":
        return base[:-1]
    return base + "e" if _measure(base) == 1 and _ends_cvc(base) else base


def _tidy_y(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and "v" in _shape(word[:-1]) else word


def _replace(word: str, endings: tuple[str, ...], table: dict[str, str]) -> str:
    if not word.endswith(endings):  # at one go, for most words end in none
        return word
    for ending in endings:
        if word.endswith(ending):
            base = word.removesuffix(ending)
            return base + table[ending] if _measure(base) > 0 else word
    return word


def _step_4(word: str) -> str:
    if not word.endswith(_ENDINGS_4):
        return word
    for ending in _ENDINGS_4:
        if word.endswith(ending):
            base = word.removesuffix(ending)
            fits = ending != "ion" or base.endswith(("s", "t"))
            return base if fits and _measure(base) > 1 else word
    return word


def _step_5(word: str) -> str:
    if word.endswith("e"):
        base = word[:-1]
        measure = _measure(base)
        if measure > 1 or (measure == 1 and not _ends_cvc(base)):
            word = base
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
