"""What the forms of one's own pages do: the work, and then back to the page, which says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from app.errors import KaijuanError
from app.pages.render import Site, link, onwards_to, page
from app.pages.troubles import trouble_of
from app.pages.words import TABLE
from app.web.forms import Forms


def done(place: str, what: str, do: Callable[[], object]) -> Response:
    """Does it; back to ``place``, which says ``what`` was done, or why not."""
    try:
        do()
    except KaijuanError as error:
        return refused(place, error)
    return onwards_to(link(place, done=what))


def refused(place: str, error: KaijuanError) -> Response:
    """Back to ``place``, which says why not."""
    return onwards_to(link(place, trouble=trouble_of(error)))


def told(done: str, trouble: str) -> dict[str, Any]:
    """What ``place`` was told in its address, as far as there are words for it."""
    return {
        "done": done if f"done.{done}" in TABLE else "",
        "trouble": trouble if trouble in TABLE else "",
    }


def shown(site: Site, forms: Forms, template: str, status: int = 200, **said: Any) -> Response:
    """A page with forms of one's own: never kept by anybody."""
    answer = page(site, template, status, token=forms.token(), **said)
    answer.headers["Cache-Control"] = "no-store"
    return answer
