"""Facets: a document's values are integers in one blob, so counting is one pass over them all."""

import sqlite3
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from sys import byteorder

import msgspec

from search.index import Query


def count_facets(
    connection: sqlite3.Connection, blobs: Sequence[bytes], query: Query
) -> dict[str, list[tuple[str, int]]]:
    """For each facet wanted its commonest values with their counts, commonest first."""
    if not query.facets:
        return {}
    counted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    counts = _count(blobs)
    for code, facet, value in _names(connection, list(counts)):
        counted[facet].append((value, counts[code]))
    return {
        facet: sorted(counted[facet], key=lambda pair: (-pair[1], pair[0]))[: query.facet_size]
        for facet in query.facets
    }


def _count(blobs: Sequence[bytes]) -> Counter[int]:
    codes = array("I", b"".join(blobs))
    if byteorder == "big":
        codes.byteswap()
    return Counter(codes)


def _names(connection: sqlite3.Connection, codes: list[int]) -> list[tuple[int, str, str]]:
    return connection.execute(
        "SELECT code, facet, value FROM code WHERE code IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(codes).decode(),),
    ).fetchall()
