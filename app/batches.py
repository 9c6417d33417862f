"""Imports of one file each: what is kept of them, and that one process at a time does one.

Where a process died, the next goes on at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.database import Instant, key_text, new_id, now
from app.errors import ConflictError
from app.jobs.takeover import is_dead, worker_name
from app.lines import Refusal
from app.personal import kept

HELD = timedelta(seconds=60)
"""How long an import of a machine that is silent is left alone; each chunk begins it anew."""

_alive: set[str] = set()
"""Who holds an import in this process: whatever else bears its id is of an earlier life."""


class Report(msgspec.Struct, kw_only=True):
    """How many entries of a file were read, and what became of them."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[Refusal] = []


class Batch:
    """The columns of an import of one file. ``position`` is how much of it is done for good.

    ``held_by`` names the process that does it, which others leave alone until ``held_until``.
    """

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(key_text(64))
    format: Mapped[str] = mapped_column(key_text(16))
    account_id: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the import is the library's")
    )
    state: Mapped[str] = mapped_column(key_text(16))
    position: Mapped[int] = mapped_column(default=0)
    read: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    held_by: Mapped[str | None] = mapped_column(key_text(200))
    held_until: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class BatchProblem:
    """The columns of what an import has to say of an entry: where it stands in the file, and why
    it was refused."""

    import_id: Mapped[str]
    number: Mapped[int] = mapped_column(primary_key=True, sort_order=1)
    place: Mapped[str] = mapped_column(sort_order=1)
    code: Mapped[str] = mapped_column(key_text(64), sort_order=1)
    message: Mapped[str] = mapped_column(sort_order=1)


AnyBatch = TypeVar("AnyBatch", bound=Batch)
AnyReport = TypeVar("AnyReport", bound=Report)


@contextmanager
def holder() -> Iterator[str]:
    """A name for whoever is about to import, good while the block lasts."""
    name = worker_name()
    _alive.add(name)
    try:
        yield name
    finally:
        _alive.discard(name)


def begin(session: Session, model: type[AnyBatch], by: str, **said: Any) -> AnyBatch:
    """A new import of which nothing is done yet, held ``by`` whoever is of this name."""
    at = now()
    held = {"state": "running", "held_by": by, "held_until": at + HELD, "started_at": at}
    batch = model(**{"id": new_id(), **held, **said})
    session.add(batch)
    session.flush()
    return batch


def is_held(batch: Batch) -> bool:
    """Whether somebody who is, or may be, at work holds a batch that was read under a lock."""
    return batch.held_by is not None and batch.held_until > now() and not is_gone(batch.held_by)


def take(batch: Batch, name: str) -> None:
    """Has ``name`` hold a batch that was read under a lock.

    :raises ConflictError: while another holds it who is, or may be, at work.
    """
    if is_held(batch):
        raise ConflictError(f"{batch.name!r} is being imported at this moment ({batch.id}).")
    batch.held_by, batch.held_until = name, now() + HELD


def renew(session: Session, model: type[Batch], batch_id: str, name: str) -> None:
    """Goes on holding a batch, in the transaction that writes for it.

    :raises ConflictError: when another has taken it over; the transaction must then roll back.
    """
    statement = (
        update(model)
        .where(model.id == batch_id, model.held_by == name)
        .values(held_until=now() + HELD)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(statement) is None:
        raise ConflictError(f"The import {batch_id} was taken over by another process.")


def note(batch: Batch, report: Report, position: int) -> None:
    """Writes down how far an import has come, and what it did until there."""
    batch.position = position
    for name in _counts(type(report)):
        setattr(batch, name, getattr(report, name))


def so_far(
    session: Session, batch: Batch, problems: type[BatchProblem], report: type[AnyReport]
) -> AnyReport:
    """What an import did until where it is done for good."""
    listed = select(problems).where(problems.import_id == batch.id).order_by(problems.number)
    return report(
        problems=[Refusal(row.place, row.code, row.message) for row in session.scalars(listed)],
        **{name: getattr(batch, name) for name in ("id", *_counts(report))},
    )


def finish(batch: Batch, state: str) -> None:
    """Lets go of an import for good."""
    batch.state, batch.finished_at, batch.held_by = state, now(), None


def _counts(report: type[Report]) -> list[str]:
    return [name for name in report.__struct_fields__ if name not in ("id", "problems")]


def is_gone(name: str) -> bool:
    """Whether the holder of this name is known to work no more."""
    return name not in _alive and is_dead(name)
