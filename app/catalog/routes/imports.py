"""Staff: import batches, what they refused, and undoing them."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from app.catalog.queries import imports as queries
from app.catalog.schemas import ImportLine, ImportList, ListQuery, ProblemList, RecordId, Undone
from app.catalog.services import undoing
from app.database import Database
from app.web.access import Caller, Permission
from app.web.api import Endpoints
from app.web.cursors import Cursors

imports = Endpoints("catalog.imports", "/api/v1/imports")
IMPORT = Permission.IMPORT_RECORDS


@imports.get("", IMPORT)
def index(session: Session, query: ListQuery, cursors: Cursors) -> ImportList:
    """Imports, the newest first."""
    page = queries.listed(session, cursors.open("imports", query.cursor), query.limit)
    end = cursors.seal("imports", page.next) if page.next else None
    return msgspec.structs.replace(page, next=end)


@imports.get("/<import_id>", IMPORT)
def show(session: Session, import_id: RecordId) -> ImportLine:
    """One import and its counts."""
    return queries.find(session, import_id)


@imports.get("/<import_id>/problems", IMPORT)
def problems(
    session: Session, import_id: RecordId, query: ListQuery, cursors: Cursors
) -> ProblemList:
    """The records that an import refused, each with its place and reason."""
    after = cursors.open(["problems", import_id], query.cursor) or 0
    page = queries.problems(session, import_id, int(after), query.limit)
    end = cursors.seal(["problems", import_id], page.next) if page.next else None
    return msgspec.structs.replace(page, next=end)


@imports.post("/<import_id>/undo", IMPORT)
def undo(database: Database, caller: Caller, import_id: RecordId) -> Undone:
    """Undo an import: what it added is withdrawn, what it changed goes back."""
    return undoing.undo(database, import_id, caller.account_id)
