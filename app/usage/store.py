"""Taking facts from the spool into the database, each once."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.usage.facts import Fact
from app.usage.models import UsageFact

COLUMNS = tuple(column.key for column in UsageFact.__table__.columns)


def keep(session: Session, facts: list[Fact]) -> list[Fact]:
    """Keeps a batch and returns what was new of it: a fact known by its id changes nothing."""
    rows = [_row(fact) for fact in facts]
    if not rows:
        return []
    fresh = set(session.scalars(_insert(session).returning(UsageFact.id), rows))
    return [fact for fact in facts if fact.id in fresh]


def _insert(session: Session) -> Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(UsageFact).on_conflict_do_nothing(index_elements=["id"])
    return postgresql.insert(UsageFact).on_conflict_do_nothing(index_elements=["id"])


def _row(fact: Fact) -> dict[str, Any]:
    said = msgspec.structs.asdict(fact)
    return {name: said[name] for name in COLUMNS}
