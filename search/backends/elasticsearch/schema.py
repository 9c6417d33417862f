"""What is stored of a document in one generation, and how the engine is told.

The words are cut before they are sent, so fields are split at spaces and at nothing else. What a
reader sees of a record is kept apart, as it was written; tokens are indexed and not kept.
"""

import msgspec

from search.analysis import ANALYSIS_VERSION
from search.entries import BY_INITIALS, BY_OTHER, BY_PINYIN, BY_TITLE
from search.index import Facet

SCHEMA_VERSION = 1

#: By what a title is reached: the field with the length of what is reached so.
SIZES = {
    BY_TITLE: "title_size",
    BY_OTHER: "other_size",
    BY_PINYIN: "pinyin_size",
    BY_INITIALS: "initials_size",
}
LONGEST_ID = 512  # bytes, the engine's own limit
LONGEST_TITLE_KEY = 500
LONGEST_SORT_KEY = 1_000
#: Beginnings of titles of so many characters, their mark included, have entries of their own.
_PREFIXES = {"min_chars": 2, "max_chars": 8}


class Stored(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The originals that highlights and suggestions are made of."""

    title: str = ""
    other_titles: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    publisher: str = ""
    description: str = ""
    contents: str = ""
    text: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One document as it is sent. Only a tombstone is ``withdrawn``, and has nothing else."""

    id: str
    withdrawn: bool = False
    stored: Stored | None = None
    key: str = ""
    sort_title: str | None = None
    added_at: str | None = None
    year_up: int | None = None
    year_down: int | None = None
    work: str = ""
    audience: tuple[str, ...] = ()
    path: str = ""
    kind: str | None = None
    language: str | None = None
    library: str | None = None
    year: str | None = None
    available: str | None = None
    subject: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    characters: str = ""
    title: str = ""
    title_characters: str = ""
    other: str = ""
    agents: str = ""
    subjects: str = ""
    identifiers: str = ""
    pinyin: str = ""
    initials: str = ""
    title_keys: tuple[str, ...] = ()
    title_size: int = 1
    other_size: tuple[int, ...] = ()
    pinyin_size: tuple[int, ...] = ()
    initials_size: tuple[int, ...] = ()


_LABEL = {"type": "keyword"}
_FILTER = {"type": "keyword", "doc_values": False}
_FACET = {**_LABEL, "eager_global_ordinals": True}
_NUMBER = {"type": "long"}
_SIZE = {"type": "short"}
_WORDS = {"type": "text", "analyzer": "whitespace"}
#: Words of short fields count once, however long the field is.
_SHORT_WORDS = {**_WORDS, "norms": False}
_CHARACTERS = {**_SHORT_WORDS, "index_options": "docs"}
_KEYS = {
    "type": "text",
    "analyzer": "keyword",
    "norms": False,
    "index_options": "docs",
    "index_prefixes": _PREFIXES,
}
_FIELDS: dict[str, object] = {
    "id": _LABEL,
    "withdrawn": {"type": "boolean", "store": True},
    "stored": {"type": "object", "enabled": False},
    **dict.fromkeys(("key", "sort_title", "added_at", "work"), _LABEL),
    **dict.fromkeys(("year_up", "year_down"), _NUMBER),
    **dict.fromkeys(("audience", "path"), _FILTER),
    **dict.fromkeys(map(str, Facet), _FACET),
    "words": _WORDS,
    **dict.fromkeys(("characters", "title_characters"), _CHARACTERS),
    **dict.fromkeys(("title", "other", "agents", "subjects", "identifiers"), _SHORT_WORDS),
    **dict.fromkeys(("pinyin", "initials"), _SHORT_WORDS),
    "title_keys": _KEYS,
    **dict.fromkeys(SIZES.values(), _SIZE),
}


class Meta(msgspec.Struct, frozen=True):
    """Which release's words and fields an index has."""

    schema: int = 0
    analysis: int = 0


CURRENT = Meta(SCHEMA_VERSION, ANALYSIS_VERSION)


def creation(aliases: tuple[str, ...], *, refresh: str) -> dict[str, object]:
    """The body that creates an index. It is kept newest first, as most lists are read."""
    return {
        "settings": {
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            "refresh_interval": refresh,
            "sort.field": ["added_at", "id"],
            "sort.order": ["desc", "desc"],
        },
        "mappings": {
            "dynamic": "strict",
            "_source": {"includes": ["stored"]},
            "_meta": msgspec.to_builtins(CURRENT),
            "properties": _FIELDS,
        },
        "aliases": {alias: {} for alias in aliases},
    }
