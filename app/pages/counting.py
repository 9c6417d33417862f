"""How many records stand under each subject: counted by the index, kept for a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.catalog.queries import subjects
from search.index import Facet, IndexUnavailableError, Query, SearchIndex

KEPT = 60  # seconds: home and subject pages may be that far behind
MANY = 2_000  # the facet values that are asked for: all classes of one or two levels and more
MOST = 500  # the classes that a page lists, and the answers that are kept


@dataclass(frozen=True, slots=True)
class Class:
    """A class of a classification with the number of records in it and below it."""

    code: str
    label: str
    label_en: str
    count: int | None


@dataclass(frozen=True, slots=True)
class _Kept:
    minute: int
    total: int
    below: dict[str, int]


class Counts:
    """The counts of one index. An index that is away has none."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self._kept: dict[tuple[tuple[str, ...], str], _Kept] = {}

    def classes(
        self, session: Session, audience: tuple[str, ...], scheme: str, parent: str | None
    ) -> list[Class]:
        """The classes directly below ``parent`` (the main classes below ``None``).

        Counts are ``None`` while the index is away.
        """
        kept = self._under(audience, f"{scheme}:{parent}" if parent else "")
        return [
            Class(
                line.code,
                line.label,
                line.label_en,
                None if kept is None else kept.below.get(f"{scheme}:{line.code}", 0),
            )
            for line in subjects.children(session, scheme, parent, limit=MOST)
        ]

    def total(self, audience: tuple[str, ...], key: str = "") -> int:
        """The number of records under a subject, of all without one; 0 while the index is away."""
        kept = self._under(audience, key)
        return kept.total if kept else 0

    def _under(self, audience: tuple[str, ...], key: str) -> _Kept | None:
        minute = int(time.monotonic() // KEPT)
        kept = self._kept.get((audience, key))
        if kept is None or kept.minute != minute:
            try:
                kept = self._counted(audience, key, minute)
            except IndexUnavailableError:
                return None
            if len(self._kept) > MOST:
                self._kept.clear()
            self._kept[audience, key] = kept
        return kept

    def _counted(self, audience: tuple[str, ...], key: str, minute: int) -> _Kept:
        hits = self._index.search(
            Query(
                audience=audience,
                subjects=(key,) if key else (),
                facets=(Facet.SUBJECT,),
                facet_size=MANY,
                limit=1,
                highlights=False,
            )
        )
        return _Kept(minute, hits.total, dict(hits.facets.get("subject", ())))
