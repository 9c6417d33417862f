"""The home page: search, what can be read, subjects, what is new."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.queries import records
from app.pages.counting import Counts
from app.pages.render import Site, page
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from search.index import IndexUnavailableError, Query, SearchIndex, Sort

home = Endpoints("pages.home")
SHELF = 12


@home.get("/", Permission.PUBLIC, json=False)
def show(
    session: Session, caller: Caller, index: SearchIndex, counts: Counts, site: Site
) -> Response:
    """The home page. While the index is away it shows what the database knows alone."""
    newest = records.arrivals(session, caller.audience, SHELF)
    classes = counts.classes(session, caller.audience, "clc", None)
    readable, readable_total = _readable(session, index, caller)
    return page(
        site,
        "home.html",
        newest=[summary_decoder.decode(summary) for summary in newest],
        readable=readable,
        readable_total=readable_total,
        subjects=[c for c in classes if c.count != 0],
        total=counts.total(caller.audience),
    )


def _readable(session: Session, index: SearchIndex, caller: Caller) -> tuple[list[object], int]:
    wanted = Query(
        audience=caller.audience, available=True, sort=Sort.ADDED, limit=SHELF, highlights=False
    )
    try:
        hits = index.search(wanted)
    except IndexUnavailableError:
        return [], 0
    kept = records.summaries(session, [hit.id for hit in hits.items], caller.audience)
    found = [kept[hit.id] for hit in hits.items if hit.id in kept]
    return [summary_decoder.decode(summary) for summary in found], hits.total
