"""What an index holds of one document, whichever engine keeps it: tokens, sounds, and title keys.

Every backend is given the same, so that they find the same.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import add

from search.analysis.sounds import initials
from search.analysis.tokens import identifier_tokens, key, stems, title_tokens, tokens
from search.documents import Document

#: What a title is reached by: its folded self, another title, its joined pinyin, its initials.
BY_TITLE, BY_OTHER, BY_PINYIN, BY_INITIALS = "t", "o", "p", "i"
#: Keys that have no spaces: any letter may go on from them.
JOINED = (BY_PINYIN, BY_INITIALS)
LONGEST_KEY = 64
#: Shorter initials stand in the middle of too many titles to mean one.
FEWEST_INITIALS = 3

_APART = "·"  # stands between readings, so that no phrase crosses from one into the next


@lru_cache(maxsize=32_768)
def _heading(heading: str) -> str:
    return " ".join(tokens(heading))  # names and headings come again and again


def word_columns(document: Document) -> tuple[str, str, str, str, str, str, str]:
    """Title, other titles, agents, subjects, identifiers, all else, and English stems.

    Each as tokens between spaces.
    """
    title = " ".join(title_tokens(document.title))
    other = " ".join(token for one in document.other_titles for token in title_tokens(one))
    agents = " ".join(map(_heading, document.agents))
    subjects = " ".join(map(_heading, document.subjects))
    texts = filter(None, (document.description, document.contents, document.text))
    rest = " ".join((_heading(document.publisher), *map(" ".join, map(tokens, texts))))
    identifiers = " ".join(
        token for one in document.identifiers for token in identifier_tokens(one)
    )
    stemmed = ""
    if document.language.startswith("en"):
        stemmed = " ".join(stems(f"{title} {other} {subjects} {rest}".split()))
    return title, other, agents, subjects, identifiers, rest, stemmed


def sound_columns(readings: Sequence[Sequence[str]]) -> tuple[str, str]:
    """The readings of a title's words: as syllables, and as initials in overlapping pairs."""
    by_initials = dict.fromkeys(initials(reading) for reading in readings)
    return (
        f" {_APART} ".join(" ".join(reading) for reading in readings),
        f" {_APART} ".join(" ".join(pairs(letters)) for letters in by_initials),
    )


def pairs(letters: str) -> list[str]:
    """Initials are cut as Chinese is: overlapping pairs and the last letter."""
    return [*map(add, letters, letters[1:]), letters[-1]]


def title_key(by: str, key: str) -> str:
    """What a title is reached by, and the beginning of that."""
    return by + key[:LONGEST_KEY]


def title_keys(document: Document, folded: str, readings: Iterable[Sequence[str]]) -> set[str]:
    """All that the titles of a document are reached by from their beginning."""
    keys = {title_key(BY_TITLE, folded)}
    keys.update(title_key(BY_OTHER, key(title)) for title in document.other_titles)
    for reading in readings:
        keys.add(title_key(BY_PINYIN, "".join(reading)))
        keys.add(title_key(BY_INITIALS, initials(reading)))
    return keys


def decade(year: int) -> str:
    """The facet value of a year: 1987 is in "1980-1989"."""
    first = year - year % 10
    return f"{first}-{first + 9}"
