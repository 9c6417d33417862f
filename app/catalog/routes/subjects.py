"""The Chinese Library Classification as a tree to browse."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.queries import subjects as queries
from app.catalog.queries.subjects import SubjectLine
from app.catalog.schemas import SubjectQuery
from app.cursors import Cursors
from app.permissions import Permission
from app.web.api import Endpoints

subjects = Endpoints("catalog.subjects", "/api/v1/subjects")
Notation = Annotated[str, Meta(min_length=1, max_length=64)]


class SubjectList(msgspec.Struct, frozen=True):
    """Classes directly below one, in notation order."""

    items: list[SubjectLine]
    next: str | None


@subjects.get("", Permission.PUBLIC)
def index(session: Session, query: SubjectQuery, cursors: Cursors) -> SubjectList:
    """The classes directly below one; the main classes without ``parent``."""
    question = [query.scheme, query.parent]
    after = cursors.open(question, query.cursor)
    rows = queries.children(session, query.scheme, query.parent, after, query.limit + 1)
    items = rows[: query.limit]
    end = cursors.seal(question, items[-1].code) if len(rows) > query.limit else None
    return SubjectList(items, end)


@subjects.get("/<scheme>/<code>", Permission.PUBLIC)
def show(session: Session, scheme: Notation, code: Notation) -> SubjectLine:
    """One class."""
    return queries.find(session, scheme, code)
