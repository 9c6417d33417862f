"""What is not a book: problems, the source, reporting, the API explained, static files."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
from flask import Response, current_app, request
from msgspec import Meta

from app.errors import NotFoundError
from app.pages import apidocs, assets, source
from app.pages.render import Site, language, page
from app.pages.words import Words
from app.permissions import Permission
from app.web.api import Endpoints
from app.web.problems import TYPES

help_pages = Endpoints("pages.help")
_FOREVER = "public, max-age=31536000, immutable"


class ReportQuery(msgspec.Struct, frozen=True):
    """What a report is about: an address of this site."""

    about: Annotated[str, Meta(max_length=500)] = ""


@help_pages.get("/problems", Permission.PUBLIC, json=False)
def problems(site: Site) -> Response:
    """Every type of problem."""
    return page(site, "problems.html", kinds=list(TYPES.values()))


@help_pages.get("/problems/<slug>", Permission.PUBLIC, json=False)
def problem(slug: str, site: Site) -> Response:
    """One type of problem, and what to do about it."""
    if slug not in TYPES:
        raise NotFoundError("problem type", slug[:64])
    return page(site, "problem.html", kind=TYPES[slug], problem=None)


@help_pages.get("/source", Permission.PUBLIC, json=False)
def source_page(site: Site) -> Response:
    """Where the source of what is running can be had (AGPL-3.0, section 13)."""
    return page(site, "source.html")


@help_pages.get("/source/kaijuan.tar.gz", Permission.PUBLIC, json=False)
def source_archive() -> Response:
    """The source of what is running."""
    answer = Response(source.archive(), content_type="application/gzip")
    answer.headers["Content-Disposition"] = 'attachment; filename="kaijuan.tar.gz"'
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@help_pages.get("/report", Permission.PUBLIC, json=False)
def report(query: ReportQuery, site: Site) -> Response:
    """How to report a fault or claim a right."""
    words = Words(language())
    about = query.about if query.about.startswith("/") else "/"
    lines = "\n".join(f"{words(f'report.line.{name}')}" for name in ("what", "why", "who"))
    lines = f"{words('report.about')}: {about}\n{lines}"
    subject = f"{words('report')}: {about}"
    mail = f"mailto:?subject={quote(subject)}&body={quote(lines)}"
    return page(site, "report.html", lines=lines, mail=mail)


@help_pages.get("/api/docs", Permission.PUBLIC, json=False)
def api_docs(site: Site) -> Response:
    """The OpenAPI document as a page to read."""
    return page(site, "api.html", **apidocs.readable(current_app._get_current_object()))  # type: ignore[attr-defined]  # werkzeug's proxy


@help_pages.get("/static/<version>/<name>", Permission.PUBLIC, json=False)
def static(version: str, name: str) -> Response:
    """A static file; its address changes with its content, so it may be kept for good."""
    asset = assets.all_assets().get(name)
    if asset is None:
        raise NotFoundError("file", name[:64])
    packed = request.accept_encodings.quality("gzip") > 0
    answer = Response(asset.packed if packed else asset.body, content_type=asset.media_type)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    current = version == assets.version()
    answer.headers["Cache-Control"] = _FOREVER if current else "no-cache"
    answer.set_etag(asset.digest + ("-gz" if packed else ""))
    answer.make_conditional(request)
    return answer
