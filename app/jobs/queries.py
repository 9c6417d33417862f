"""The ledger as an operator sees it: lists, one job whole, figures, and trying again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, NotFoundError
from app.jobs.intake import ring_after_commit
from app.jobs.models import Job, State, stands

MOST_LISTED = 200


class JobSummary(msgspec.Struct, frozen=True):
    """One line of a list."""

    id: str
    kind: str
    state: State
    attempts: int
    max_attempts: int
    created_at: datetime
    run_after: datetime
    finished_at: datetime | None
    last_error: str | None
    """The last line of it: the error's name and message."""


class JobPage(msgspec.Struct, frozen=True):
    """Jobs, newest first; ``next`` is the cursor of those before them."""

    items: list[JobSummary]
    next: str | None


class JobDetail(msgspec.Struct, frozen=True):
    """Everything the ledger knows of a job."""

    id: str
    kind: str
    payload: dict[str, Any]
    state: State
    attempts: int
    max_attempts: int
    run_after: datetime
    claimed_until: datetime | None
    worker: str | None
    last_error: str | None
    progress: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Figures(msgspec.Struct, frozen=True):
    """How the ledger stands: jobs by state, and how long the oldest one due has waited."""

    counts: dict[str, int]
    lag: timedelta


def list_jobs(
    session: Session,
    *,
    state: State | None = None,
    kind: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> JobPage:
    """Up to ``limit`` (at most 200) jobs, newest first, after ``cursor``."""
    wanted = select(Job).order_by(Job.id.desc()).limit(min(max(limit, 1), MOST_LISTED) + 1)
    if state is not None:
        wanted = wanted.where(stands(Job, state))
    if kind is not None:
        wanted = wanted.where(Job.kind == kind)
    if cursor is not None:
        wanted = wanted.where(Job.id < cursor)
    jobs = session.scalars(wanted).all()
    page = jobs[: min(max(limit, 1), MOST_LISTED)]
    has_more = len(jobs) > len(page)
    return JobPage([_summary(job) for job in page], page[-1].id if has_more else None)


def show_job(session: Session, job_id: str) -> JobDetail:
    """One job whole.

    :raises NotFoundError: when there is none of that id, or it was done and purged.
    """
    return _detail(_find(session, job_id))


def retry_job(session: Session, job_id: str) -> JobDetail:
    """Has a failed job tried again from its last checkpoint, with all its attempts.

    :raises NotFoundError: when there is none of that id.
    :raises ConflictError: when it has not failed.
    """
    job = _find(session, job_id, for_update=True)
    if job.state != State.FAILED:
        raise ConflictError(f"Only failed jobs can be retried; this one is {job.state}.")
    if _has_twin(session, job):
        job.unique_key = None
    job.state, job.attempts, job.run_after, job.finished_at = State.WAITING, 0, now(), None
    session.flush()
    ring_after_commit(session)
    return _detail(job)


def figures(session: Session) -> Figures:
    """Counts by state and the lag. Every job is counted: not for what anybody may ask."""
    grouped = session.execute(select(Job.state, func.count()).group_by(Job.state))
    counts = dict.fromkeys(map(str, State), 0) | dict(grouped.all())
    due = select(func.min(Job.run_after)).where(stands(Job, State.WAITING))
    oldest: datetime | None = session.scalar(due)
    return Figures(counts, max(now() - oldest, timedelta()) if oldest else timedelta())


def _find(session: Session, job_id: str, *, for_update: bool = False) -> Job:
    wanted = select(Job).where(Job.id == job_id)
    job = session.scalar(wanted.with_for_update() if for_update else wanted)
    if job is None:
        raise NotFoundError("job", job_id)
    return job


def _has_twin(session: Session, job: Job) -> bool:
    if job.unique_key is None:
        return False
    twin = select(Job.id).where(stands(Job, State.WAITING), Job.unique_key == job.unique_key)
    return session.scalar(twin) is not None


def _summary(job: Job) -> JobSummary:
    lines = (job.last_error or "").strip().splitlines()
    return JobSummary(
        id=job.id,
        kind=job.kind,
        state=State(job.state),
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        created_at=job.created_at,
        run_after=job.run_after,
        finished_at=job.finished_at,
        last_error=lines[-1] if lines else None,
    )


def _detail(job: Job) -> JobDetail:
    values = {field: getattr(job, field) for field in JobDetail.__struct_fields__}
    return JobDetail(**values | {"state": State(job.state)})
