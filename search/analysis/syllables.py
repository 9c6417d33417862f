"""Pinyin as a reader types it: joined syllables cut apart, without knowing any character."""

from functools import lru_cache

_FINALS = {
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u",
    "f": "a o ei ou an en ang eng u iao",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un",
    "t": "a e ai ei ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan un ue",
    "l": "a o e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un ue",
    "g": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "k": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "h": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "j": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "q": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "x": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "zh": "a e i ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "ch": "a e i ai ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "sh": "a e i ai ei ao ou an en ang eng u ua uo uai ui uan un uang",
    "r": "e i ao ou an en ang eng ong u ua uo ui uan un",
    "z": "a e i ai ei ao ou an en ang eng ong u uo ui uan un",
    "c": "a e i ai ao ou an en ang eng ong u uo ui uan un",
    "s": "a e i ai ao ou an en ang eng ong u uo ui uan un",
    "y": "a o e ai ao ou an ang i in ing ong u ue uan un",
    "w": "a o ai ei an en ang eng u",
    "": "a o e ai ei ao ou an en ang eng er",
}
SYLLABLES = frozenset(
    initial + final for initial, finals in _FINALS.items() for final in finals.split()
)
_LONGEST = 6
_MOST_READINGS = 4
#: No syllable begins with i, u or v.
INITIALS = frozenset(syllable[0] for syllable in SYLLABLES)


def plain(letters: str) -> str:
    """One spelling for ü, which is typed v, u or ü: lü and lv are lu."""
    return letters.replace("v", "u")


@lru_cache(maxsize=1024)
def cut_syllables(letters: str) -> tuple[tuple[str, ...], ...]:
    """The ways to cut letters into syllables, fewest first; none when they are not pinyin.

    ``xian`` is one syllable or two; only so many ways are kept that a query stays small.
    """
    letters = plain(letters)
    ways: list[list[tuple[str, ...]]] = [[()]]
    for end in range(1, len(letters) + 1):
        found = [
            (*way, letters[start:end])
            for start in range(max(0, end - _LONGEST), end)
            if letters[start:end] in SYLLABLES
            for way in ways[start]
        ]
        ways.append(sorted(found, key=len)[:_MOST_READINGS])
    return tuple(ways[-1]) if letters else ()


def may_be_initials(letters: str) -> bool:
    """Whether these letters can each begin a syllable."""
    return len(letters) > 1 and INITIALS.issuperset(letters)
