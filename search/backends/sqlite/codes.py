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


def pack(codes: Iterable[int]) -> bytes:
    """Codes as the blob that counting reads."""
    packed = array("I", sorted(set(codes)))
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


class Codes:
    """The writer's memory of all codes; to be dropped when a transaction is rolled back."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}
        self._last = 0
        self._fresh: list[tuple[int, str, str]] = []

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Learn the codes that were given since, by other processes too."""
        rows = connection.execute(
            "SELECT code, facet, value FROM code WHERE code > ? ORDER BY code", (self._last,)
        )
        for self._last, facet, value in rows:
            self._known[facet, value] = self._last

    def of(self, facet: str, value: str) -> int:
        """The code of a value; a new value is given the next."""
        known = self._known.get((facet, value))
        if known is None:
            known = self._last = (self._last // _STEP + 1) * _STEP + _FACETS[facet]
            self._known[facet, value] = known
            self._fresh.append((known, facet, value))
        return known

    def take_fresh(self) -> list[tuple[int, str, str]]:
        """The rows of the values that were new since this was asked last."""
        fresh, self._fresh = self._fresh, []
        return fresh


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
