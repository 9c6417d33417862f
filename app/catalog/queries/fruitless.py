"""What readers looked for in vain, the most frequent first."""

from __future__ import annotations

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.catalog.models import FruitlessQuery
from app.catalog.schemas import FruitlessLine


def listed(
    session: Session, since: str, after: tuple[int, str] | None, limit: int
) -> list[FruitlessLine]:
    """Queries since that day (YYYY-MM-DD) with how often and when last, by keyset."""
    times = func.sum(FruitlessQuery.times)
    wanted = (
        select(FruitlessQuery.words, times, func.max(FruitlessQuery.day))
        .where(FruitlessQuery.day >= since)
        .group_by(FruitlessQuery.words)
        .order_by(times.desc(), FruitlessQuery.words.desc())
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.having(tuple_(times, FruitlessQuery.words) < after)
    return [FruitlessLine(*row) for row in session.execute(wanted)]
