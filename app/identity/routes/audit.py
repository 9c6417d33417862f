"""Staff: who did what to whom in their libraries. What readers read is no part of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.errors import ForbiddenError
from app.identity import tree
from app.identity.queries import audit as queries
from app.identity.schemas import LibraryId
from app.identity.trail import AuditList
from app.permissions import Caller, Permission
from app.web.api import Endpoints

audit = Endpoints("identity.audit", "/api/v1/audit")
SEE = Permission.SEE_AUDIT
Moment = Annotated[datetime, Meta(tz=True)]


class AuditQuery(msgspec.Struct, frozen=True):
    """Which events: by the account that acted, what it acted on (``account:…``), what was done.

    ``library`` narrows to a library and those below it; times are RFC 3339, ``until`` is not in it.
    """

    actor: Annotated[str, Meta(max_length=32)] | None = None
    subject: Annotated[str, Meta(max_length=80)] | None = None
    action: Annotated[str, Meta(max_length=48)] | None = None
    library: LibraryId | None = None
    since: Moment | None = None
    until: Moment | None = None
    cursor: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


@audit.get("", SEE, problems=(404,))
def index(session: Session, caller: Caller, query: AuditQuery, cursors: Cursors) -> AuditList:
    """What was done in your libraries and those below, the newest first."""
    reach = caller.reach(SEE)
    if query.library is not None:
        library = tree.get(session, query.library)
        if not caller.may(SEE, library.path):
            raise ForbiddenError(SEE, f"Your roles do not reach the library {library.id!r}.")
        reach = (library.path,)
    asked = queries.Asked(query.actor, query.subject, query.action, query.since, query.until)
    question = ["audit", reach, msgspec.to_builtins(msgspec.structs.replace(query, cursor=None))]
    after = cursors.open(question, query.cursor)
    items, end = queries.found(session, reach, asked, after, query.limit)
    return AuditList(items, cursors.seal(question, end) if end else None)
