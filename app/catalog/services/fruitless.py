"""What readers looked for in vain: counted by day, kept without who asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.catalog.models import FruitlessQuery
from app.usage.facts import Event, Fact

LONGEST = 100
"""Characters of a query that are kept."""


def count(session: Session, facts: Iterable[Fact]) -> None:
    """Counts the fruitless searches among new facts, in the transaction that keeps the facts."""
    times = Counter(
        (f"{fact.at:%Y-%m-%d}", " ".join(fact.words.split())[:LONGEST])
        for fact in facts
        if fact.event is Event.SEARCH and fact.words.strip()
    )
    rows = [{"day": day, "words": words, "times": n} for (day, words), n in sorted(times.items())]
    if rows:
        session.execute(_upsert(session), rows)


def _upsert(session: Session) -> Insert:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(FruitlessQuery) if on_sqlite else postgresql.insert(FruitlessQuery)
    return insert.on_conflict_do_update(
        index_elements=["day", "words"],
        set_={"times": FruitlessQuery.times + insert.excluded.times},
    )
