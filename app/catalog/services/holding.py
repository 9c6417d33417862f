"""One process at a time does an import; where that one died, the next goes on at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.catalog.models import Import
from app.database import now
from app.errors import ConflictError
from app.jobs.takeover import is_dead, worker_name

HELD = timedelta(seconds=60)
"""How long an import of a machine that is silent is left alone; each chunk begins it anew."""

_alive: set[str] = set()
"""Who holds an import in this process: whatever else bears its id is of an earlier life."""


@contextmanager
def holder() -> Iterator[str]:
    """A name for whoever is about to import, good while the block lasts."""
    name = worker_name()
    _alive.add(name)
    try:
        yield name
    finally:
        _alive.discard(name)


def take(batch: Import, name: str) -> None:
    """Has ``name`` hold a batch that was read under a lock.

    :raises ConflictError: while another holds it who is, or may be, at work.
    """
    if batch.held_by is not None and batch.held_until > now() and not is_gone(batch.held_by):
        raise ConflictError(f"{batch.name!r} is being imported at this moment ({batch.id}).")
    batch.held_by, batch.held_until = name, now() + HELD


def renew(session: Session, batch_id: str, name: str) -> None:
    """Goes on holding a batch, in the transaction that writes for it.

    :raises ConflictError: when another has taken it over; the transaction must then roll back.
    """
    statement = (
        update(Import)
        .where(Import.id == batch_id, Import.held_by == name)
        .values(held_until=now() + HELD)
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(statement) is None:
        raise ConflictError(f"The import {batch_id} was taken over by another process.")


def is_gone(name: str) -> bool:
    """Whether the holder of this name is known to work no more."""
    return name not in _alive and is_dead(name)
