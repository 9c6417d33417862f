"""Browsing a classification, one level at a time."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from msgspec import Meta
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.queries import records
from app.catalog.queries import subjects as queries
from app.catalog.queries.subjects import SubjectLine
from app.pages.counting import Counts
from app.pages.render import Site, page
from app.permissions import Caller, Permission
from app.web.api import Endpoints
from search.index import IndexUnavailableError, Query, SearchIndex, Sort

subjects = Endpoints("pages.subjects")
Notation = Annotated[str, Meta(min_length=1, max_length=64)]
SHELF = 12
DEEPEST = 16


@subjects.get("/subjects", Permission.PUBLIC, json=False)
def index(session: Session, caller: Caller, counts: Counts, site: Site) -> Response:
    """The main classes."""
    children = counts.classes(session, caller.audience, "clc", None)
    return page(site, "subjects.html", scheme="clc", node=None, path=[], children=children,
                records=[], total=0)  # fmt: skip


@subjects.get("/subjects/<scheme>/<code>", Permission.PUBLIC, json=False)
def show(
    session: Session,
    caller: Caller,
    index: SearchIndex,
    counts: Counts,
    scheme: Notation,
    code: Notation,
    site: Site,
) -> Response:
    """One class: what is above it, below it, and newly in it."""
    node = queries.find(session, scheme, code)
    key = f"{scheme}:{code}"
    return page(
        site,
        "subjects.html",
        scheme=scheme,
        node=node,
        path=_above(session, node),
        children=counts.classes(session, caller.audience, scheme, code),
        records=_newest(session, caller, index, key),
        total=counts.total(caller.audience, key),
    )


def _above(session: Session, node: SubjectLine) -> list[SubjectLine]:
    """The classes above this one, the main class first."""
    path: list[SubjectLine] = []
    while node.parent is not None and len(path) < DEEPEST:
        node = queries.find(session, node.scheme, node.parent)
        path.insert(0, node)
    return path


def _newest(session: Session, caller: Caller, index: SearchIndex, key: str) -> list[object]:
    wanted = Query(
        audience=caller.audience, subjects=(key,), sort=Sort.ADDED, limit=SHELF, highlights=False
    )
    try:
        ids = [hit.id for hit in index.search(wanted).items]
    except IndexUnavailableError:
        return []
    kept = records.summaries(session, ids, caller.audience)
    return [summary_decoder.decode(kept[found]) for found in ids if found in kept]
