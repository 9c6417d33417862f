"""Words in FTS5's language, and the keys that titles are reached by. Every token is quoted."""

from search.analysis import names
from search.analysis.syllables import cut_syllables, may_be_initials
from search.analysis.tokens import STEM_MARK
from search.analysis.words import Word, Words
from search.entries import FEWEST_INITIALS, pairs

#: The weights of bm25, by the columns of ``words`` and of ``sounds``.
WORD_WEIGHTS = "10.0, 6.0, 5.0, 3.0, 8.0, 1.0, 2.0"
SOUND_WEIGHTS = "2.0, 1.0"

LAST_CHARACTER = "\U0010ffff"

_MOST_SOUNDS = 32


def all_of(words: Words) -> str:
    """Every word required; adjacent in the title counts once more."""
    required = " AND ".join(one_of(word) for word in words.items)
    if words.isbn:
        return f'identifiers : "{words.isbn}" OR ({required})'
    if len(words.items) == 1:
        return required
    return f"({required}) OR title : {_phrase(words.key_tokens)}"


def any_of(words: Words) -> str:
    """Any word is enough, and any two adjacent characters of a Chinese one."""
    loose = dict.fromkeys(
        _quote(token) + " *" * word.prefix for word in words.items for token in word.tokens
    )
    return " OR ".join(loose)


def one_of(word: Word) -> str:
    """One word, in any field and with any English ending."""
    phrase = _phrase(word.tokens)
    if word.prefix:
        return f"{phrase} *"
    if not word.stem:
        return phrase
    forms = dict.fromkeys((phrase, _quote(STEM_MARK + word.stem), _quote(word.stem)))
    return f"({' OR '.join(forms)})"


def romanised(words: Words) -> str:
    """Every word required, Chinese ones perhaps as a name in pinyin; empty when none can be one."""
    spelled = [names.romanised(word.text) for word in words.items]
    if not any(spelled):
        return ""
    return " AND ".join(map(_or_named, words.items, spelled))


def _or_named(word: Word, ways: tuple[tuple[str, ...], ...]) -> str:
    if not ways:
        return one_of(word)
    return f"({one_of(word)} OR agents : ({' OR '.join(map(_phrase, ways))}))"


def title_beginning(words: Words) -> str:
    """Every word in a title, the last perhaps not yet typed to its end."""
    *whole, last = words.items
    parts = [*map(one_of, whole), _phrase(last.tokens) + " *"]
    return f"{{title other}} : ({' AND '.join(parts)})"


def sounds_of(latin: str) -> str:
    """Titles that sound so, in their middle too; empty when letters cannot be pinyin."""
    letters = latin[:_MOST_SOUNDS]
    ways = [f"pinyin : {_phrase(way)}" for way in cut_syllables(letters)]
    if len(letters) >= FEWEST_INITIALS and may_be_initials(letters):
        ways.append(f"initials : {_phrase(pairs(letters)[:-1])}")
    return " OR ".join(ways)


def _quote(token: str) -> str:
    return f'"{token}"'  # no token holds a quotation mark: marks are cut away before


def _phrase(tokens: tuple[str, ...] | list[str]) -> str:
    return f'"{" ".join(tokens)}"'
