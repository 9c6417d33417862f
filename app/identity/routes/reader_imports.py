"""Staff: files of a library's readers, what was wrong with their rows, and undoing them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.adapters import Adapters
from app.cursors import Cursors
from app.identity import tree
from app.identity.models import Library
from app.identity.queries import reader_imports as queries
from app.identity.schemas import (
    LibraryId,
    PageQuery,
    ReaderImportItem,
    ReaderImportList,
)
from app.identity.services import audit, authority, sending
from app.identity.services.parting import AT_MOST
from app.jobs import enqueue
from app.lines import Refusal
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints, Received

reader_imports = Endpoints("identity.reader_imports", "/api/v1/libraries")
MANAGE = Permission.MANAGE_READERS
ImportId = Annotated[str, Meta(min_length=1, max_length=36)]
PLACE = "/<library_id>/readers/imports"


class RosterQuery(msgspec.Struct, frozen=True):
    """What the file is.

    ``whole``: it holds all readers of the library, so that cards which it lacks are suspended, if
    they are no more than ``at_most`` in a hundred.
    """

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f]+$")]
    format: Literal["csv", "jsonl"]
    whole: bool = False
    at_most: Annotated[int, Meta(ge=0, le=100)] = AT_MOST


class RosterAccepted(msgspec.Struct, frozen=True):
    """It is on disk and will be done: the job that does it."""

    job: str


class RosterProblems(msgspec.Struct, frozen=True):
    """What was to be said of a file's rows, in its order."""

    items: list[Refusal]
    next: str | None


@reader_imports.get(PLACE, MANAGE, problems=(404,))
def index(
    session: Session, caller: Caller, library_id: LibraryId, query: PageQuery, cursors: Cursors
) -> ReaderImportList:
    """Files of a library's readers that were imported, the newest first."""
    library = _managed(session, caller, library_id)
    question = ["reader-imports", library.id]
    after = cursors.open(question, query.cursor)
    items, end = queries.listed(session, caller.reach(MANAGE), library.id, after, query.limit)
    return ReaderImportList(items, cursors.seal(question, end) if end else None)


@reader_imports.post(PLACE, MANAGE, status=202, problems=(404,), takes="application/octet-stream")
def send(
    session: Session,
    caller: Caller,
    adapters: Adapters,
    library_id: LibraryId,
    query: RosterQuery,
    file: Received,
) -> Answer[RosterAccepted]:
    """Send a file of a library's readers as the body; a worker imports it.

    CSV with a heading or JSON lines. It is kept sealed until that is done.
    """
    library = _managed(session, caller, library_id)
    key = sending.new_key()
    sending.put(adapters.store, adapters.scratch, adapters.sealer, key, file.path)
    job = enqueue(
        session,
        sending.IMPORT,
        key=key,
        digest=file.digest,
        name=query.name,
        format=query.format,
        library=library.id,
        whole=query.whole,
        at_most=query.at_most,
        account=caller.account_id,
    )
    subject = f"library:{library.id}"
    audit.note(session, audit.actor_of(caller), "readers.sent", subject, library.id, job=job)
    return _accepted(job)


@reader_imports.get(PLACE + "/<import_id>", MANAGE, problems=(404,))
def show(
    session: Session, caller: Caller, library_id: LibraryId, import_id: ImportId
) -> ReaderImportItem:
    """One file and what became of its rows."""
    library = _managed(session, caller, library_id)
    return queries.find(session, caller.reach(MANAGE), library.id, import_id)


@reader_imports.get(PLACE + "/<import_id>/problems", MANAGE, problems=(404,))
def problems(
    session: Session,
    caller: Caller,
    library_id: LibraryId,
    import_id: ImportId,
    query: PageQuery,
    cursors: Cursors,
) -> RosterProblems:
    """What was to be said of a file's rows, each with its place and reason."""
    found = show(session, caller, library_id, import_id)
    question = ["roster-problems", found.id]
    after = int(cursors.open(question, query.cursor) or 0)
    items, end = queries.problems(session, found.id, after, query.limit)
    return RosterProblems(items, cursors.seal(question, str(end)) if end else None)


@reader_imports.post(PLACE + "/<import_id>/undo", MANAGE, status=202, problems=(404,))
def undo(
    session: Session, caller: Caller, library_id: LibraryId, import_id: ImportId
) -> Answer[RosterAccepted]:
    """Undo a file: whom it added and nobody claimed is removed, what it changed goes back."""
    found = show(session, caller, library_id, import_id)
    job = enqueue(session, sending.UNDO, batch=found.id, account=caller.account_id)
    actor, subject = audit.actor_of(caller), f"library:{library_id}"
    audit.note(session, actor, "readers.undo", subject, library_id, of=found.id)
    return _accepted(job)


def _managed(session: Session, caller: Caller, library_id: str) -> Library:
    library = tree.get(session, library_id)
    authority.require(caller.reach(MANAGE), MANAGE, library)
    return library


def _accepted(job: str) -> Answer[RosterAccepted]:
    return Answer(RosterAccepted(job), 202, headers={"Location": f"/api/v1/jobs/{job}"})
