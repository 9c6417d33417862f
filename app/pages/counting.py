"""How many records stand under each subject: counted by the index, kept for a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.orm import Session

from app.catalog.queries import subjects
from search.index import Facet, IndexUnavailableError, Query, SearchIndex

KEPT = 60  # seconds: home and subject pages may be that far behind
MANY = 2_000  # the facet values that are asked for: all classes of one or two levels and more


@dataclass(frozen=True, slots=True)
class Class:
    """A class of a classification with the number of records in it and below it."""

    code: str
    label: str
    label_en: str
    count: int | None


def classes(
    session: Session, index: SearchIndex, audience: tuple[str, ...], scheme: str, parent: str | None
) -> list[Class]:
    """The classes directly below ``parent`` (the main classes below ``None``).

    Counts are ``None`` while the index is away.
    """
    counts = _counts(index, audience, f"{scheme}:{parent}" if parent else "")
    return [
        Class(
            line.code,
            line.label,
            line.label_en,
            None if counts is None else counts.get(f"{scheme}:{line.code}", 0),
        )
        for line in subjects.children(session, scheme, parent, limit=500)
    ]


def total(index: SearchIndex, audience: tuple[str, ...], key: str) -> int:
    """The number of records under a subject, of all without one; 0 while the index is away."""
    try:
        return _kept(index, audience, key, _minute())[0]
    except IndexUnavailableError:
        return 0


def _counts(index: SearchIndex, audience: tuple[str, ...], key: str) -> dict[str, int] | None:
    try:
        return _kept(index, audience, key, _minute())[1]
    except IndexUnavailableError:
        return None


def _minute() -> int:
    return int(time.monotonic() // KEPT)


@lru_cache(maxsize=256)
def _kept(
    index: SearchIndex, audience: tuple[str, ...], key: str, _minute: int
) -> tuple[int, dict[str, int]]:
    query = Query(
        audience=audience,
        subjects=(key,) if key else (),
        facets=(Facet.SUBJECT,),
        facet_size=MANY,
        limit=1,
        highlights=False,
    )
    hits = index.search(query)
    return hits.total, dict(hits.facets.get("subject", ()))
