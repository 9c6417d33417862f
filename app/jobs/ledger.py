"""The ledger as its workers use it: short transactions, each write fenced by the claim's token.

On SQLite a claim begins IMMEDIATE, so there is one claimer at a time; on PostgreSQL claimers skip
the rows that others have locked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

from sqlalchemy import case, delete, null, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.database import Database, now
from app.jobs.errors import LostClaimError
from app.jobs.models import Job, State, stands

JsonObject = dict[str, Any]

LONGEST_REST = timedelta(minutes=15)
LONGEST_ERROR = 4_000
"""Characters of a failure that are kept: the last ones, which name it."""
PURGED_AT_ONCE = 1_000
DIED = "The worker died, or lost touch with the database, in the last attempt."

_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one job until the lease ends; ``attempt`` counts from 1."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    max_attempts: int
    token: int
    progress: JsonObject | None
    """The last checkpoint of any attempt."""


def claim(database: Database, worker: str, leases: Mapping[str, timedelta]) -> Claim | None:
    """Takes the job that has been due longest, of the kinds that ``leases`` names.

    One whose lease has run out is due, and comes first. ``None`` when there is nothing to do.
    """
    if not _is_any_due(database, leases.keys()):
        return None
    with database.transaction() as session:
        moment = now()
        while job := _oldest_expired(session, moment, leases.keys()):
            if job.attempts < job.max_attempts:
                return _take(session, job, worker, moment + leases[job.kind])
            _write_off(session, job, moment)
        if job := _oldest_waiting(session, moment, leases.keys()):
            return _take(session, job, worker, moment + leases[job.kind])
    return None


def heartbeat(database: Database, claim: Claim, lease: timedelta) -> None:
    """Holds the claim for another ``lease`` from now.

    :raises LostClaimError: when it is no longer held.
    """
    with database.transaction() as session:
        _write(session, claim, claimed_until=now() + lease)


def checkpoint(database: Database, claim: Claim, progress: JsonObject, lease: timedelta) -> None:
    """Keeps how far the job has come, for whoever goes on with it; also a heartbeat.

    :raises LostClaimError: when the claim is no longer held.
    """
    with database.transaction() as session:
        _write(session, claim, progress=progress, claimed_until=now() + lease)


def finish(session: Session, claim: Claim) -> None:
    """Marks the job done within the transaction that holds its work.

    :raises LostClaimError: when the claim is no longer held; the transaction must then roll back.
    """
    _write(session, claim, **_ended(State.DONE))


def fail(database: Database, claim: Claim, error: str, *, again: bool = True) -> None:
    """Keeps the failure, and has the job wait for its next attempt if there is one.

    :raises LostClaimError: when the claim is no longer held.
    """
    kept = error[-LONGEST_ERROR:]
    with database.transaction() as session:
        if again and claim.attempt < claim.max_attempts:
            rest = backoff(claim.attempt)
            _write(session, claim, **_waiting(now() + rest), last_error=kept)
        else:
            _write(session, claim, **_ended(State.FAILED), last_error=kept)


def give_back(
    database: Database, claim: Claim, *, error: str | None = None, rest: timedelta = timedelta()
) -> None:
    """Puts the job back as if it had not been tried: the worker stops, or an engine is away.

    :raises LostClaimError: when the claim is no longer held.
    """
    values = _waiting(now() + rest) | {"attempts": claim.attempt - 1}
    if error is not None:
        values["last_error"] = error[-LONGEST_ERROR:]
    with database.transaction() as session:
        _write(session, claim, **values)


def purge(database: Database, older_than: timedelta) -> int:
    """Deletes jobs that were done so long ago, in short transactions; failed ones stay."""
    before, gone = now() - older_than, 0
    oldest = (
        select(Job.id)
        .where(stands(Job, State.DONE), Job.finished_at < before)
        .order_by(Job.finished_at)
        .limit(PURGED_AT_ONCE)
    )
    while True:
        with database.transaction() as session:
            deleted = session.scalars(delete(Job).where(Job.id.in_(oldest)).returning(Job.id)).all()
        gone += len(deleted)
        if len(deleted) < PURGED_AT_ONCE:
            return gone


def backoff(attempt: int) -> timedelta:
    """How long to rest after that many attempts: 2, 4, 8 … seconds, halved to one and a half."""
    rest = min(timedelta(seconds=2 ** min(attempt, 16)), LONGEST_REST)
    return rest * _random.uniform(0.5, 1.5)


def _is_any_due(database: Database, kinds: Collection[str]) -> bool:
    """Asks without a lock: idle workers must not stand in the way of writers."""
    moment = now()
    waiting = select(Job.id).where(
        stands(Job, State.WAITING), Job.run_after <= moment, Job.kind.in_(kinds)
    )
    expired = select(Job.id).where(
        stands(Job, State.RUNNING), Job.claimed_until <= moment, Job.kind.in_(kinds)
    )
    with database.transaction(writes=False) as session:
        return bool(session.scalar(select(or_(waiting.exists(), expired.exists()))))


def _oldest_expired(session: Session, moment: datetime, kinds: Collection[str]) -> Job | None:
    return session.scalar(
        select(Job)
        .where(stands(Job, State.RUNNING), Job.claimed_until <= moment, Job.kind.in_(kinds))
        .order_by(Job.claimed_until)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _oldest_waiting(session: Session, moment: datetime, kinds: Collection[str]) -> Job | None:
    return session.scalar(
        select(Job)
        .where(stands(Job, State.WAITING), Job.run_after <= moment, Job.kind.in_(kinds))
        .order_by(Job.run_after, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _take(session: Session, job: Job, worker: str, until: datetime) -> Claim:
    job.state, job.worker, job.claimed_until = State.RUNNING, worker, until
    job.attempts += 1
    job.token += 1
    job.started_at = now()
    session.flush()
    return Claim(
        id=job.id,
        kind=job.kind,
        payload=job.payload,
        attempt=job.attempts,
        max_attempts=job.max_attempts,
        token=job.token,
        progress=job.progress,
    )


def _write_off(session: Session, job: Job, moment: datetime) -> None:
    """A job that takes its worker down with it must not do so for ever."""
    job.state, job.claimed_until, job.finished_at = State.FAILED, None, moment
    job.last_error = job.last_error or DIED
    session.flush()


def _ended(state: State) -> dict[str, Any]:
    return {"state": state, "claimed_until": None, "finished_at": now()}


def _waiting(run_after: datetime) -> dict[str, Any]:
    """Waiting again, without its key where a later job waits under it already."""
    twin = aliased(Job)
    has_twin = (
        select(twin.id)
        .where(stands(twin, State.WAITING), twin.unique_key == Job.unique_key)
        .exists()
    )
    return {
        "state": State.WAITING,
        "claimed_until": None,
        "run_after": run_after,
        "unique_key": case((has_twin, null()), else_=Job.unique_key),
    }


def _write(session: Session, claim: Claim, **values: Any) -> None:
    held = (Job.id == claim.id, Job.token == claim.token, stands(Job, State.RUNNING))
    statement = update(Job).where(*held).values(values).returning(Job.id)
    if session.scalar(statement.execution_options(synchronize_session=False)) is None:
        raise LostClaimError(f"job {claim.id}", claim.token)
