"""The page of what was found."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from app.catalog.queries import subjects
from app.catalog.services import finding
from app.catalog.services.finding import SearchQuery
from app.cursors import Cursors
from app.errors import UnavailableError
from app.identity import tree
from app.pages.found import shown
from app.pages.render import Site, language, page
from app.pages.visits import searched
from app.pages.words import Words
from app.permissions import Caller, Permission
from app.usage.recorder import Recorder
from app.web.api import Endpoints, Limited
from search.index import SearchIndex

searching = Endpoints("pages.searching")


@searching.get("/search", Permission.PUBLIC, json=False, limited=Limited("search"))
def show(
    session: Session,
    caller: Caller,
    query: SearchQuery,
    index: SearchIndex,
    cursors: Cursors,
    usage: Recorder,
    site: Site,
) -> Response:
    """What was found, with facets to narrow it; or that nothing can be said for now."""
    try:
        answer = finding.search(session, index, cursors, caller, query)
    except UnavailableError as error:
        away = page(site, "search_away.html", 503, asked=query)
        away.headers["Retry-After"] = str(error.retry_after)
        return away
    searched(usage, caller, answer.total, query.q)
    names = subjects.labels(session, list(query.subject))
    if query.library:
        names |= tree.names(session, [query.library])
    found = shown(query, answer, names, Words(language()))
    return page(site, "search.html", asked=query, found=found)
