"""Staff: import batches, what they refused, and undoing them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.catalog.queries import imports as queries
from app.catalog.schemas import ImportLine, ImportList, ListQuery, ProblemList, RecordId
from app.cursors import Cursors
from app.database import random_id, rfc3339
from app.errors import ForbiddenError, NotFoundError
from app.identity import tree
from app.jobs import enqueue
from app.jobs.models import State
from app.jobs.queries import show_job
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints, Received

imports = Endpoints("catalog.imports", "/api/v1/imports")
jobs = Endpoints("catalog.jobs", "/api/v1/jobs")
IMPORT = Permission.IMPORT_RECORDS


class SendQuery(msgspec.Struct, frozen=True):
    """What the file is and whose records it holds."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f]+$")]
    format: Literal["jsonl", "csv"]
    library: Annotated[str, Meta(max_length=64)] | None = None


class JobStanding(msgspec.Struct, frozen=True):
    """How far a job is."""

    id: str
    kind: str
    state: State
    created_at: str
    finished_at: str | None
    import_id: str | None
    """The import that it does or undoes, once there is one."""
    read: int | None
    """How many records of the file are done for good."""
    error: str | None
    """Why the last attempt failed."""


class Accepted(msgspec.Struct, frozen=True):
    """It is on disk and will be done: the job that does it."""

    job: str


@imports.get("", IMPORT)
def index(session: Session, caller: Caller, query: ListQuery, cursors: Cursors) -> ImportList:
    """Imports of the libraries that you import for, the newest first."""
    after = cursors.open("imports", query.cursor)
    page = queries.listed(session, caller.reach(IMPORT), after, query.limit)
    end = cursors.seal("imports", page.next) if page.next else None
    return msgspec.structs.replace(page, next=end)


@imports.get("/<import_id>", IMPORT)
def show(session: Session, caller: Caller, import_id: RecordId) -> ImportLine:
    """One import and its counts."""
    return queries.find(session, caller.reach(IMPORT), import_id)


@imports.get("/<import_id>/problems", IMPORT)
def problems(
    session: Session, caller: Caller, import_id: RecordId, query: ListQuery, cursors: Cursors
) -> ProblemList:
    """The records that an import refused, each with its place and reason."""
    after = cursors.open(["problems", import_id], query.cursor) or 0
    page = queries.problems(session, caller.reach(IMPORT), import_id, int(after), query.limit)
    end = cursors.seal(["problems", import_id], page.next) if page.next else None
    return msgspec.structs.replace(page, next=end)


@imports.post("", IMPORT, status=202, problems=(404,), takes="application/octet-stream")
def send(
    session: Session, caller: Caller, adapters: Adapters, query: SendQuery, file: Received
) -> Answer[Accepted]:
    """Send a file of records as the body; a worker imports it.

    JSON lines (also gzipped) or CSV. What was accepted is imported however often a worker dies.
    """
    library = tree.get(session, query.library) if query.library else tree.default(session)
    if not caller.may(IMPORT, library.path):
        raise ForbiddenError(IMPORT, f"Your roles do not reach the library {library.id!r}.")
    key = f"intake/{random_id()}"
    adapters.store.put_file(key, file.path)
    job = enqueue(
        session,
        "catalog.import_records",
        key=key,
        digest=file.digest,
        name=query.name,
        format=query.format,
        library=library.id,
        account=caller.account_id,
    )
    return _accepted(job)


@imports.post("/<import_id>/undo", IMPORT, status=202)
def undo(session: Session, caller: Caller, import_id: RecordId) -> Answer[Accepted]:
    """Undo an import: what it added is withdrawn, what it changed goes back."""
    queries.find(session, caller.reach(IMPORT), import_id)
    return _accepted(
        enqueue(session, "catalog.undo_import", batch=import_id, account=caller.account_id)
    )


def _accepted(job: str) -> Answer[Accepted]:
    return Answer(Accepted(job), 202, headers={"Location": f"/api/v1/jobs/{job}"})


@jobs.get("/<job_id>", Permission.SIGNED_IN)
def standing(session: Session, caller: Caller, job_id: RecordId) -> JobStanding:
    """How far a job is that you set off; operators see everybody's."""
    job = show_job(session, job_id)
    if job.payload.get("account") != caller.account_id and not caller.may(Permission.SEE_JOBS):
        raise NotFoundError("job", job_id)
    progress = job.progress or {}
    lines = (job.last_error or "").strip().splitlines()
    return JobStanding(
        id=job.id,
        kind=job.kind,
        state=job.state,
        created_at=rfc3339(job.created_at),
        finished_at=rfc3339(job.finished_at) if job.finished_at else None,
        import_id=progress.get("import") or job.payload.get("batch"),
        read=progress.get("read"),
        error=lines[-1] if lines else None,
    )
