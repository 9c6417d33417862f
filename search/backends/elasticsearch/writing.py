"""What one document becomes, and the lines that say so to the engine."""

from collections.abc import Iterable

import msgspec

from search.analysis.sounds import collation_key, initials, sounds
from search.analysis.tokens import CHINESE, key
from search.backends.elasticsearch.schema import (
    LONGEST_ID,
    LONGEST_SORT_KEY,
    LONGEST_TITLE_KEY,
    Entry,
    Stored,
)
from search.documents import Document, Item, Tombstone
from search.entries import LONGEST_KEY, decade, sound_columns, title_keys, word_columns

#: No year comes last in either direction.
NO_YEAR = 1 << 40
_NO_NUMBER = 1 << 63
_FIRST_CHINESE = CHINESE[0]

_encode = msgspec.json.Encoder().encode


def lines_of(item: Item) -> bytes:
    """The action and the entry of one item: what is older or the same never overwrites.

    Raises ValueError, with the reason, for what cannot be stored.
    """
    if not item.id or len(item.id.encode(errors="replace")) > LONGEST_ID:
        raise ValueError(f"an id of 1 to {LONGEST_ID} bytes is needed")
    if not 0 <= item.version < _NO_NUMBER:
        raise ValueError("a version of 63 bits is needed")
    entry = Entry(id=item.id, withdrawn=True) if isinstance(item, Tombstone) else entry_of(item)
    action = {"index": {"_id": item.id, "version": item.version, "version_type": "external"}}
    try:
        return b"%b\n%b\n" % (_encode(action), _encode(entry))
    except UnicodeEncodeError as error:
        raise ValueError(f"a text is not valid Unicode: {error.reason}") from error


def entry_of(document: Document) -> Entry:
    """A document as the engine is given it."""
    folded = key(document.title)
    readings = [
        reading for title in (document.title, *document.other_titles) for reading in sounds(title)
    ]
    columns = word_columns(document)
    title, other, agents, subjects, identifiers, *_ = columns
    pinyin, by_initials = sound_columns(readings) if readings else ("", "")
    year = document.year
    if year is not None and not -NO_YEAR < year < NO_YEAR:
        raise ValueError("the year is out of range")
    return Entry(
        id=document.id,
        stored=_stored(document),
        key=folded[:LONGEST_TITLE_KEY],
        sort_title=(document.sort_title or collation_key(folded))[:LONGEST_SORT_KEY],
        added_at=document.added_at,
        year_up=NO_YEAR if year is None else year,
        year_down=-NO_YEAR if year is None else year,
        work=document.work or document.id,
        audience=document.audience,
        path=document.library_path,
        kind=document.kind,
        language=document.language,
        library=document.library or None,
        year=None if year is None else decade(year),
        available="true" if document.available else "false",
        subject=tuple(dict.fromkeys(document.subject_codes)),
        words=tuple(filter(None, columns)),
        characters=_characters(" ".join(columns)),
        title=title,
        title_characters=_characters(title),
        other=other,
        agents=agents,
        subjects=subjects,
        identifiers=identifiers,
        pinyin=pinyin,
        initials=by_initials,
        title_keys=tuple(sorted(title_keys(document, folded, readings))),
        title_size=min(max(1, len(folded)), LONGEST_TITLE_KEY),
        other_size=_sizes(key(one) for one in document.other_titles),
        pinyin_size=_sizes("".join(reading) for reading in readings),
        initials_size=_sizes(initials(reading) for reading in readings),
    )


def _stored(document: Document) -> Stored:
    return Stored(
        document.title,
        document.other_titles,
        document.agents,
        document.subjects,
        document.publisher,
        document.description,
        document.contents,
        document.text,
    )


def _characters(tokens: str) -> str:
    """The Chinese characters of tokens, each once, so that one alone finds all that have it."""
    return "" if tokens.isascii() else " ".join([c for c in set(tokens) if c >= _FIRST_CHINESE])


def _sizes(keys: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({min(max(1, len(one)), LONGEST_KEY) for one in keys}))
