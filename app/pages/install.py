"""Wiring: which faces an application has, and how its problems look to a person."""

from __future__ import annotations

from flask import Flask, Response

from app.config import Settings
from app.pages.counting import Counts
from app.pages.render import Site, page
from app.pages.routes.account import account
from app.pages.routes.approvals import approvals
from app.pages.routes.belongings import belongings
from app.pages.routes.cas import cas
from app.pages.routes.claiming import claiming
from app.pages.routes.consent import consent
from app.pages.routes.device import device
from app.pages.routes.devices import devices
from app.pages.routes.documents import documents
from app.pages.routes.entering import entering
from app.pages.routes.family import family
from app.pages.routes.help import help_pages
from app.pages.routes.home import home
from app.pages.routes.leaving import logout
from app.pages.routes.merging import merging
from app.pages.routes.reading import reading
from app.pages.routes.records import records
from app.pages.routes.searching import searching
from app.pages.routes.subjects import subjects
from app.pages.routes.through_library import through_library
from app.pages.routes.uses import uses
from app.pages.routes.verification import verification
from app.web import api
from app.web.problems import Problem, ProblemType
from search.index import SearchIndex


def install(app: Flask, settings: Settings, index: SearchIndex) -> None:
    """Adds every page to the application, and pages for its problems."""
    content_url = settings.content_url or settings.public_url
    site = Site(settings.source_url, content_url, settings.public_url)
    api.provide(app, Site, site)
    api.provide(app, Counts, Counts(index))
    api.register(app, home, searching, records, subjects, reading, uses, help_pages)
    api.register(app, device, devices, logout)
    api.register(app, through_library, belongings, merging)
    api.register(app, entering, account, cas, consent, approvals)

    api.register(app, documents, verification, family, claiming)

    def problem_page(kind: ProblemType, problem: Problem) -> Response:
        answer = page(site, "problem.html", kind.status, kind=kind, problem=problem)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    app.extensions["kaijuan.problem_page"] = problem_page
