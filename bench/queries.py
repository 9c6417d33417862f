"""What the large measures search for: known items and common words, the same on every engine.

Drawn from a part of the records, by the generator of both, and so without asking any engine.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import msgspec

from bench.known_items import KnownItems, Way
from bench.million import editions
from bench.search_records import Record, document
from search.documents import Document
from search.entries import word_columns

_DRAWN = 20_000
_SPOKEN = (Way.FULL, Way.FRAGMENT, Way.TRADITIONAL, Way.AUTHOR_TITLE, Way.ENGLISH)
_COMMON = 50
_LONGEST = 200
"""Characters that a search over HTTP takes."""
_STEM = "ˢ"


@cache
def drawn_documents(many: int) -> tuple[Document, ...]:
    """Some of so many records, drawn at random, as documents."""
    numbers = random.Random(1).sample(range(many), min(many, _DRAWN))
    decode = msgspec.json.Decoder(Record).decode
    return tuple(document(decode(editions().record(n)), n) for n in numbers)


def known_items(many: int) -> list[str]:
    """Queries that a reader who knows a record may type, shuffled; most have few hits."""
    items = KnownItems(drawn_documents(many))
    drawn = (item.query for way in _SPOKEN for item in items.draw(way))
    words = [query for query in drawn if len(query) <= _LONGEST]
    random.Random(1).shuffle(words)
    return words


def common_words(many: int) -> list[str]:
    """The tokens that most records have, as a reader would type them."""
    counted: Counter[str] = Counter()
    for one in drawn_documents(many):
        counted.update({token for column in word_columns(one) for token in column.split()})
    chosen = (token for token, _ in counted.most_common(10 * _COMMON) if _STEM not in token)
    return [token for token, _ in zip(chosen, range(_COMMON), strict=False)]
