"""How often readers were turned away since all places were taken: by record and day, nobody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import now
from app.identity.models import Turnaway
from app.identity.services.uses import KEPT
from app.usage.facts import Event, Fact


def count(session: Session, facts: Iterable[Fact]) -> None:
    """Counts those among new facts, in the transaction that keeps the facts."""
    times = Counter(
        (fact.library, f"{fact.at:%Y-%m-%d}", fact.record)
        for fact in facts
        if fact.event is Event.LIMIT_EXCEEDED
    )
    rows = [
        {"library_id": library, "day": day, "record_id": record, "times": n}
        for (library, day, record), n in sorted(times.items())
    ]
    if rows:
        session.execute(_upsert(session), rows)


def purge(session: Session) -> None:
    """Forgets what is as old as uses that are forgotten."""
    session.execute(delete(Turnaway).where(Turnaway.day < f"{now() - KEPT:%Y-%m-%d}"))


def _upsert(session: Session) -> postgresql.Insert | sqlite.Insert:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(Turnaway) if on_sqlite else postgresql.insert(Turnaway)
    return insert.on_conflict_do_update(
        index_elements=["library_id", "day", "record_id"],
        set_={"times": Turnaway.times + insert.excluded.times},
    )
