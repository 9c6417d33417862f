"""The page of what was found."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from app.catalog.services import finding
from app.catalog.services.finding import SearchQuery
from app.cursors import Cursors
from app.pages.found import Shown, shown
from app.pages.render import Site, language, page
from app.pages.visits import PLATFORM, visit
from app.pages.words import Words
from app.permissions import Caller, Permission
from app.usage.recorder import Recorder
from app.web.api import Endpoints
from search.index import SearchIndex

searching = Endpoints("pages.searching")


@searching.get("/search", Permission.PUBLIC, json=False)
def show(
    session: Session,
    caller: Caller,
    query: SearchQuery,
    index: SearchIndex,
    cursors: Cursors,
    usage: Recorder,
    site: Site,
) -> Response:
    """What was found, with facets to narrow it."""
    answer = finding.search(session, index, cursors, caller, query)
    if query.cursor is None and query.q.strip():
        usage.search(visit(usage, caller), answer.total, query.q, PLATFORM)
    found: Shown = shown(query, answer, Words(language()))
    return page(site, "search.html", asked=query, found=found)
