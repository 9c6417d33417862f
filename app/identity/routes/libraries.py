"""The network's libraries as a tree."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.identity import tree
from app.identity.schemas import LibraryId, LibraryItem, LibraryList, LibraryQuery
from app.permissions import Permission
from app.web.api import Endpoints

libraries = Endpoints("identity.libraries", "/api/v1/libraries")


@libraries.get("", Permission.PUBLIC)
def index(session: Session, query: LibraryQuery, cursors: Cursors) -> LibraryList:
    """The libraries directly below one; the roots without ``parent``."""
    question = ["libraries", query.parent]
    after = cursors.open(question, query.cursor)
    rows = tree.children(session, query.parent, after, query.limit + 1)
    lines = rows[: query.limit]
    end = cursors.seal(question, lines[-1].path) if len(rows) > query.limit else None
    return LibraryList([LibraryItem(x.id, x.name, x.level, x.parent) for x in lines], end)


@libraries.get("/<library_id>", Permission.PUBLIC)
def show(session: Session, library_id: LibraryId) -> LibraryItem:
    """One library."""
    row = tree.get(session, library_id)
    return LibraryItem(row.id, row.name, row.level, row.parent_id)
