"""Search without its index: by identifier, by title, by the beginning of a title.

These are btree lookups, a bounded number of rows each, and few at a time: what readers ask while
the index is away must not take the database down as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from sqlalchemy.orm import Session

from app.catalog import normal
from app.catalog.composing import title_key
from app.catalog.queries import lookups, records
from app.catalog.queries.lookups import Place
from app.errors import UnavailableError
from search.index import Suggestion

AT_ONCE = 4
"""Lookups of one process at the same time; who comes beyond is asked to come again."""
LOOKED_AT = 400
"""Titles that one page looks at: so many may be skipped that are not shown to this caller."""
slots = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What can be asked of the database: words, and the filters that columns answer."""

    words: str
    audience: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    library_path: str = ""
    after: Place | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """Ready-made summaries, and where the list goes on."""

    summaries: list[bytes]
    next: Place | None


def look_up(session: Session, wanted: Wanted) -> Looked:
    """The records with this identifier, then those whose title is this or begins so.

    :raises UnavailableError: when there are none, which says nothing of what the index would find;
        and when too many ask at once.
    """
    with _slot():
        by_value = _identified(session, wanted)
        places, end = _titled(session, wanted, set(by_value))
        ids = [*(by_value if wanted.after is None else ()), *(place[1] for place in places)]
        kept = records.summaries(session, ids, wanted.audience)
    if not kept and end is None:
        raise UnavailableError("The search index")
    return Looked([kept[i] for i in ids if i in kept], end)


def complete(
    session: Session, text: str, audience: tuple[str, ...], limit: int
) -> list[Suggestion]:
    """Titles that begin so, each once.

    :raises UnavailableError: when too many ask at once.
    """
    key, found = title_key(text), dict[str, str]()
    if not key:
        return []
    with _slot():
        ids = [record_id for _, record_id in lookups.titled(session, key, None, LOOKED_AT)]
        titles = lookups.shown(session, ids, audience)
    for record_id in filter(titles.__contains__, ids):
        found.setdefault(titles[record_id], record_id)
    return [Suggestion(title, record_id) for title, record_id in [*found.items()][:limit]]


def _identified(session: Session, wanted: Wanted) -> list[str]:
    words = wanted.words.strip()
    values = {words, normal.isbn13(words) or words} - {""}
    found = lookups.identified(session, values, wanted.limit)
    kept = _shown(session, wanted, found)
    return [record_id for record_id in found if record_id in kept]


def _titled(
    session: Session, wanted: Wanted, already: set[str]
) -> tuple[list[Place], Place | None]:
    """A page of titles, and the place that it ends at unless it is the last."""
    key = title_key(wanted.words)
    if not key:
        return [], None
    places = lookups.titled(session, key, wanted.after, LOOKED_AT)
    kept = _shown(session, wanted, [record_id for _, record_id in places])
    fitting = [place for place in places if place[1] in kept and place[1] not in already]
    page = fitting[: wanted.limit]
    if len(fitting) > wanted.limit:
        return page, page[-1]
    return page, places[-1] if len(places) == LOOKED_AT else None


def _shown(session: Session, wanted: Wanted, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    return lookups.shown(
        session, ids, wanted.audience, kinds=wanted.kinds, library_path=wanted.library_path
    )


@contextmanager
def _slot() -> Iterator[None]:
    if not slots.acquire(blocking=False):
        raise UnavailableError("The search index", retry_after=2)
    try:
        yield
    finally:
        slots.release()
