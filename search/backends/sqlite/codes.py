"""Facet values as integers: a document's are one blob, so counting is one pass over them all.

The lowest bits of a code say which facet it is of, so that only the commonest values of each
need their names looked up.
"""

import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest
from sys import byteorder

import msgspec

from search.index import Facet, Query

AUDIENCE = "audience"
AUDIENCE_SEPARATOR = "\n"

_FACETS: dict[str, int] = {name: place for place, name in enumerate((*Facet, AUDIENCE))}
_STEP = 16


def decade(year: int) -> str:
    """The facet value of a year: 1987 is in "1980-1989"."""
    first = year - year % 10
    return f"{first}-{first + 9}"


def pack(codes: Iterable[int]) -> bytes:
    """Codes as the blob that counting reads."""
    packed = array("I", sorted(set(codes)))
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def code_of(connection: sqlite3.Connection, facet: str, value: str) -> int:
    """The code of a value, given to it when it is new."""
    added = connection.execute(
        "INSERT OR IGNORE INTO code"
        " SELECT (coalesce(max(code), 0) / ?1 + 1) * ?1 + ?2, ?3, ?4 FROM code RETURNING code",
        (_STEP, _FACETS[facet], facet, value),
    ).fetchone()
    known = (
        added
        or connection.execute(
            "SELECT code FROM code WHERE facet = ? AND value = ?", (facet, value)
        ).fetchone()
    )
    return int(known[0])


def count_facets(
    connection: sqlite3.Connection, blobs: Sequence[bytes], query: Query
) -> dict[str, list[tuple[str, int]]]:
    """For each facet wanted its commonest values with their counts, commonest first."""
    if not query.facets:
        return {}
    counts = _count(blobs)
    best = {facet: _best(counts, facet, query.facet_size) for facet in query.facets}
    names = _names(connection, [code for codes in best.values() for code in codes])
    return {
        facet: sorted(
            ((names[code], counts[code]) for code in codes), key=lambda pair: (-pair[1], pair[0])
        )
        for facet, codes in best.items()
    }


def _count(blobs: Sequence[bytes]) -> Counter[int]:
    codes = array("I", b"".join(blobs))
    if byteorder == "big":
        codes.byteswap()
    return Counter(codes)


def _best(counts: Counter[int], facet: str, size: int) -> list[int]:
    place = _FACETS[facet]
    mine = [code for code in counts if code % _STEP == place]
    return nlargest(size, mine, key=counts.__getitem__)


def _names(connection: sqlite3.Connection, codes: list[int]) -> dict[int, str]:
    rows = connection.execute(
        "SELECT code, value FROM code WHERE code IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(codes).decode(),),
    )
    return dict(rows.fetchall())
