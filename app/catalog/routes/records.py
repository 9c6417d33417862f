"""Staff: make, mend, withdraw, restore and merge records, with their history."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog import composing
from app.catalog.description import Kind, State, decoder
from app.catalog.models import RecordRow, Revision, SourceRecord
from app.catalog.schemas import (
    Merger,
    NewRecord,
    RecordId,
    RecordPatch,
    Restoration,
    RevisionLine,
    RevisionList,
    SourceView,
    StaffView,
    Withdrawal,
)
from app.catalog.services import changes, differing, merging, placing
from app.catalog.services.explaining import AccessQuery, AccessView, explain
from app.catalog.texts import require_sound, require_title
from app.database import now, rfc3339
from app.errors import ForbiddenError, NotFoundError
from app.identity import tree
from app.identity.access import PUBLIC
from app.identity.asking import as_if, require_reader_of
from app.identity.queries.policies import rules
from app.identity.services import policies
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints, IfMatch

records = Endpoints("catalog.records", "/api/v1/records")
EDIT = Permission.EDIT_RECORDS
POLICY = "body.policy"


@records.post("", EDIT, status=201, problems=(404,))
def create(session: Session, caller: Caller, body: NewRecord) -> Answer[StaffView]:
    """Make a record by hand."""
    library_id = body.library or tree.default(session).id
    _require(session, caller, library_id)
    _require_parent(session, caller, body.parent)
    require_title(body.description.title, "body.description.title")
    require_sound(body, "body")
    row = changes.create(
        session,
        body.description,
        kind=body.kind,
        library_id=library_id,
        account_id=caller.account_id,
        parent_id=body.parent,
        audience=body.audience,
        policy=policies.kept(session, body.policy, POLICY),
        state=body.state,
    )
    return _answer(session, row, 201)


@records.get("/<record_id>", EDIT)
def show(session: Session, caller: Caller, record_id: RecordId) -> Answer[StaffView]:
    """A record as its cataloguers see it, whatever its state."""
    return _answer(session, _mine(session, caller, record_id))


@records.patch("/<record_id>", EDIT, problems=(404, 410, 412, 428))
def edit(
    session: Session, caller: Caller, record_id: RecordId, version: IfMatch, body: RecordPatch
) -> Answer[StaffView]:
    """Mend a record's description; publish it, move it, say who may see and use it.

    Send the ETag that you read as If-Match. What you mend stands over later imports.
    """
    row = _mine(session, caller, record_id, version)
    if body.fields is not UNSET:
        require_title(body.fields.title, "body.fields.title")
    require_sound(body, "body")
    if body.library is not UNSET:
        _require(session, caller, body.library)
    if body.parent is not UNSET:
        _require_parent(session, caller, body.parent)
    place = placing.Place(
        state=body.state,
        audience=body.audience,
        policy=UNSET if body.policy is UNSET else policies.kept(session, body.policy, POLICY),
        library_id=body.library,
        parent_id=body.parent,
    )
    said = {} if body.fields is UNSET else msgspec.structs.asdict(body.fields)
    fields = {name: value for name, value in said.items() if value is not UNSET}
    changed = changes.edit(session, row, fields, caller.account_id, body.note, place)
    return _answer(session, changed)


@records.post("/<record_id>/withdraw", EDIT, problems=(410, 412, 428))
def withdraw(
    session: Session, caller: Caller, record_id: RecordId, version: IfMatch, body: Withdrawal
) -> Answer[StaffView]:
    """Withdraw a record; its tombstone stays."""
    row = _mine(session, caller, record_id, version)
    require_sound(body, "body")
    return _answer(session, changes.withdraw(session, row, body.reason, caller.account_id))


@records.post("/<record_id>/restore", EDIT, problems=(412, 428))
def restore(
    session: Session, caller: Caller, record_id: RecordId, version: IfMatch, body: Restoration
) -> Answer[StaffView]:
    """Restore a withdrawn record, or what an earlier version said."""
    row = _mine(session, caller, record_id, version)
    return _answer(session, changes.restore(session, row, caller.account_id, body.version))


@records.post("/<record_id>/merge", EDIT, problems=(404, 410, 412, 428))
def merge(
    session: Session, caller: Caller, record_id: RecordId, version: IfMatch, body: Merger
) -> Answer[StaffView]:
    """Merge a duplicate into another record, which answers in its place."""
    row = _mine(session, caller, record_id, version)
    into = _mine(session, caller, body.into)
    return _answer(session, merging.merge(session, row, into, caller.account_id))


@records.get("/<record_id>/revisions", EDIT)
def revisions(session: Session, caller: Caller, record_id: RecordId) -> RevisionList:
    """The history of a record, the newest change first."""
    row = _mine(session, caller, record_id)
    wanted = (
        select(Revision)
        .where(Revision.record_id == row.id)
        .order_by(Revision.version.desc())
        .limit(200)
    )
    return RevisionList([_revision(revision) for revision in session.scalars(wanted)])


@records.get("/<record_id>/access", EDIT)
def access(session: Session, caller: Caller, record_id: RecordId, query: AccessQuery) -> AccessView:
    """Why a record can be used, or cannot: every step, for whom, from where and when you ask.

    An account must be your own, or of a reader whom you may see.
    """
    _mine(session, caller, record_id)
    at = query.at or now()
    if query.account is not None:
        require_reader_of(session, caller, query.account, at)
    asking = as_if(session, query.account, query.address, at)
    return explain(session, asking, record_id, at)


def _revision(revision: Revision) -> RevisionLine:
    return RevisionLine(
        version=revision.version,
        state=revision.state,
        audience=revision.audience,
        policy=revision.policy,
        library=revision.library_id,
        change=revision.change,
        at=rfc3339(revision.at),
        by=revision.account_id,
        import_id=revision.import_id,
        note=revision.note,
        description=decoder.decode(revision.description),
    )


def _mine(
    session: Session, caller: Caller, record_id: str, version: int | None = None
) -> RecordRow:
    """The record, when it belongs to a library that the caller may edit for.

    What is kept for the staff of another library, or a draft of theirs, is not there.
    """
    row = changes.load(session, record_id)
    is_hidden = row.state == State.DRAFT or row.audience != PUBLIC
    if is_hidden and not caller.may(EDIT, tree.get(session, row.library_id).path):
        raise NotFoundError("record", record_id)
    _require(session, caller, row.library_id)
    return changes.load(session, record_id, version)


def _require_parent(session: Session, caller: Caller, parent_id: str | None) -> None:
    if parent_id is not None:
        _mine(session, caller, parent_id)


def _require(session: Session, caller: Caller, library_id: str) -> None:
    if not caller.may(EDIT, tree.get(session, library_id).path):
        raise ForbiddenError(EDIT, f"Your roles do not reach the library {library_id!r}.")


def _answer(session: Session, row: RecordRow, status: int = 200) -> Answer[StaffView]:
    view = StaffView(
        id=row.id,
        kind=Kind(row.kind),
        state=row.state,
        version=row.version,
        library=row.library_id,
        work=row.work_id,
        audience=row.audience,
        policy=row.policy,
        rules=rules(session, row.policy),
        parent=row.parent_id,
        reason=row.reason,
        successor=row.successor_id,
        description=decoder.decode(row.description),
        mended=sorted(filter(None, row.mended.split(","))),
        differences=differing.listed(session, row.id),
        source=_source(session, row.id),
    )
    location = {"Location": f"/api/v1/records/{row.id}"} if status == 201 else {}
    return Answer(view, status, etag=f"v{row.version}", headers=location)


def _source(session: Session, record_id: str) -> SourceView | None:
    kept = session.get(SourceRecord, record_id)
    if kept is None:
        return None
    body = composing.received(kept.format, kept.body).decode("utf-8", "replace")
    return SourceView(composing.PLAIN, rfc3339(kept.received_at), body)
