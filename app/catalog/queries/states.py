"""The states a record was in."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.description import LIVE, State
from app.catalog.models import Revision


def state_before(session: Session, record_id: str, version: int | None = None) -> State:
    """The state of the record when it last was no tombstone, at ``version`` or before it.

    A draft where that is not known: nothing is published by mistake.
    """
    wanted = (
        select(Revision.state)
        .where(Revision.record_id == record_id, Revision.state.in_(LIVE))
        .order_by(Revision.version.desc())
        .limit(1)
    )
    if version is not None:
        wanted = wanted.where(Revision.version <= version)
    return State(session.scalar(wanted) or State.DRAFT)
