"""Writing work into the ledger, and ringing for it once it is committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import URL, Executable, case, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import Database, new_id, now
from app.jobs.bell import Bell
from app.jobs.errors import UnknownKindError
from app.jobs.models import WAITING_UNDER_A_KEY, Job, State
from app.jobs.registry import Kind, Registry

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class _Desk:
    """What belongs to a database besides its tables: the kinds of its jobs, and its bell."""

    kinds: Mapping[str, Kind[Any]]
    bell: Bell


# Sessions know their engine and nothing else of the composition; services are handed only those.
_desks: dict[URL, _Desk] = {}


def connect(database: Database, registry: Registry[Any], bell: Bell) -> None:
    """Says which jobs sessions of this database may enqueue, and what rings for them.

    Called once, where the application or a command is put together.
    """
    _desks[database.url] = _Desk(registry.kinds, bell)


def enqueue(
    session: Session,
    kind: str,
    /,
    *,
    unique: str | None = None,
    run_after: datetime | None = None,
    **ids: Scalar,
) -> str:
    """Writes a job into the session's transaction and returns its id, a UUIDv7.

    A job that waits under the same ``unique`` key is returned instead, and runs no later than
    ``run_after``. It is also locked until this transaction ends, so that no worker can do it
    without seeing what is being changed.

    :raises UnknownKindError: when the name is not in the registry of this database.
    :raises TypeError: when the payload is more than scalars: it names things, it does not carry
        them.
    """
    desk = _desk_of(session)
    if desk is None or kind not in desk.kinds:
        raise UnknownKindError(kind)
    for name, value in ids.items():
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"{name} of a job must be a scalar, not {type(value).__name__}")
    moment = now()
    job_id: str = session.execute(
        _upsert(session.get_bind().dialect.name),
        {
            "id": new_id(),
            "kind": kind,
            "payload": ids,
            "state": State.WAITING,
            "attempts": 0,
            "max_attempts": desk.kinds[kind].max_attempts,
            "run_after": run_after or moment,
            "token": 0,
            "unique_key": None if unique is None else f"{kind}:{unique}",
            "created_at": moment,
        },
    ).scalar_one()
    if run_after is None or run_after <= moment:
        ring_after_commit(session)
    return job_id


def ring_after_commit(session: Session) -> None:
    """Rings once when the session's transaction is committed; never when it is rolled back.

    Also for changes that no job stands for, such as a larger dirty set.
    """
    desk = _desk_of(session)
    if desk is None:
        return
    if "bell" not in session.info:
        event.listen(session, "after_commit", _ring)
    session.info["bell"] = desk.bell


def _ring(session: Session) -> None:
    # The event comes for savepoints too, whose work nobody else can see yet.
    bell = session.info["bell"]
    if bell is not None and not session.in_nested_transaction():
        session.info["bell"] = None
        bell.ring()


def _desk_of(session: Session) -> _Desk | None:
    return _desks.get(session.get_bind().engine.url)


@cache
def _upsert(dialect: str) -> Executable:
    """Inserts a job, or moves the one that waits under its key forward; gives the id of either."""
    # On the table: through the mapper this costs several times as much.
    insert: Any = (sqlite if dialect == "sqlite" else postgresql).insert(Job.__table__)
    held, new = Job.__table__.c.run_after, insert.excluded.run_after
    merged = insert.on_conflict_do_update(
        index_elements=["unique_key"],
        index_where=WAITING_UNDER_A_KEY,
        set_={"run_after": case((held < new, held), else_=new)},
    )
    statement: Executable = merged.returning(Job.__table__.c.id)
    return statement
