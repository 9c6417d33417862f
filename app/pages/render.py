"""From a template and what it shows to an answer with its headers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.urls import iri_to_uri

from app.catalog.composing import PLURALS
from app.catalog.description import AgentLine, Kind
from app.pages import assets
from app.pages.words import Language, Words

LANGUAGE_COOKIE = "kaijuan_lang"
CLOTHS = 10
OTHER = {Language.CHINESE: Language.ENGLISH, Language.ENGLISH: Language.CHINESE}
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_TAIL = re.compile(r"[：:（(\[［【/=;；].*$", re.DOTALL)
_BEIJING = timezone(timedelta(hours=8))
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Site:
    """What every page says of the installation, and where its content may come from."""

    source_url: str = "/source"
    content_url: str | None = None
    public_url: str | None = None


@cache
def environment() -> Environment:
    """The templates: everything escaped, every unknown name an error."""
    made = Environment(
        loader=PackageLoader("app.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.address
    made.globals["link"] = link
    filters = (cloth, authors, cover_title, is_han, thousands, size, plural, beijing)
    made.filters |= {function.__name__: function for function in filters}
    return made


def page(site: Site, template: str, status: int = 200, **shown: Any) -> Response:
    """Renders a template in the reader's language; reads are answered 304 when unchanged."""
    words = Words(language())
    body = (
        environment()
        .get_template(template)
        .render(
            t=words, site=site, here=_here(), other_language=_here(OTHER[words.language]), **shown
        )
    )
    response = Response(body, status, content_type="text/html; charset=utf-8")
    response.headers |= _headers(site)
    response.vary.update(("Accept-Language", "Cookie"))
    if status == 200:
        response.set_etag(blake2b(body.encode(), digest_size=12).hexdigest())
        response.make_conditional(request)
    if request.args.get("lang") in tuple(Language):
        response.set_cookie(
            LANGUAGE_COOKIE, words.language, max_age=_YEAR_SECONDS, samesite="Lax", httponly=True
        )
    return response


def _here(language: Language | None = None) -> str:
    """The address of this page, without or with a language asked for."""
    query = {**request.args.to_dict(flat=False), "lang": language}
    return link(quote(request.path), **query)


def language() -> Language:
    """Asked for by ``?lang=``, remembered, or told by ``Accept-Language``; Chinese otherwise."""
    for given in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if given in tuple(Language):
            return Language(given)
    return Language(request.accept_languages.best_match(tuple(Language), Language.CHINESE))


def policy(site: Site) -> str:
    """The content security policy of every page: only our own files, nothing inline."""
    content = f" {site.content_url}" if site.content_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self'{content}",
            f"img-src 'self' data:{content}",
            f"font-src 'self' data:{content}",
            f"media-src 'self' data:{content}",
            f"connect-src 'self'{content}",
            "frame-src 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _headers(site: Site) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(site),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def link(path: str, **query: Any) -> str:
    """A local address with its query; what is ``None`` or empty is left out."""
    pairs = [(name, value) for name, value in query.items() if value not in (None, "", (), [])]
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def onwards_to(path: str) -> Response:
    """What a form answers that did its work: look at this next (RFC 9110 §15.4.4)."""
    return Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def passed_on(site: Site, address: str) -> Response:
    """A page that goes on by itself: where forms may lead is held along every redirect too.

    So a form of ours cannot be answered with a redirect that ends at another system
    (Content Security Policy 3 §6.4.1).
    """
    answer = page(site, "passed_on.html", address=address)
    answer.headers |= {"Refresh": f"0; url={iri_to_uri(address)}", "Cache-Control": "no-store"}
    return answer


def cloth(key: str) -> int:
    """Which of the cloths binds a book that has no cover: always the same for the same work."""
    return zlib.crc32(key.encode()) % CLOTHS


def cover_title(title: str) -> str:
    """The part of a title that a label has room for: without subtitle and responsibility."""
    return _TAIL.sub("", title).strip() or title


def is_han(text: str) -> bool:
    """Whether the text is written in Chinese characters, and so may run from top to bottom."""
    return _HAN.search(text) is not None


def plural(kind: str) -> str:
    """The first step of the address of a record of this kind: ``books``."""
    return PLURALS[Kind(kind)]


def authors(agents: Iterable[AgentLine]) -> list[str]:
    """The names that a list has room for: two authors, or whoever comes first."""
    known = list(agents)
    return [a.name for a in known if a.role == "author"][:2] or [a.name for a in known[:1]]


def thousands(number: int) -> str:
    """``107860`` as ``107,860``."""
    return f"{number:,}"


def beijing(at: datetime) -> str:
    """A time of the day as clocks in China show it."""
    return f"{at.astimezone(_BEIJING):%Y-%m-%d %H:%M}"


def size(number: int) -> str:
    """So many bytes, as people say it."""
    value = float(number)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
