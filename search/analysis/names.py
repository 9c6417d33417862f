"""Chinese names as catalogues abroad write them, in pinyin: 曹雪芹 is Cao, Xueqin."""

from search.analysis.sounds import readings_of_characters
from search.analysis.tokens import is_chinese

_SHORTEST, _LONGEST = 2, 4
_WITH_DOUBLE_SURNAME = 3


def romanised(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways a short run of characters may stand as a name, each as the words of it in a row.

    Surname and joined given name, in either order, with a surname of one character or of two; and
    every syllable apart. None when it is too short or long for a name, or a character is unknown.
    """
    if not (_SHORTEST <= len(name) <= _LONGEST and is_chinese(name)):
        return ()
    usual = readings_of_characters()
    syllables = [usual.get(character, "") for character in name]
    if not all(syllables):
        return ()
    surnames = (1, 2) if len(name) >= _WITH_DOUBLE_SURNAME else (1,)
    ways = [tuple(syllables)]
    for cut in surnames:
        surname, given = "".join(syllables[:cut]), "".join(syllables[cut:])
        ways += [(surname, given), (given, surname)]
    return tuple(dict.fromkeys(ways))
