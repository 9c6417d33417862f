"""Readium Web Publication Manifests, made from the examined publication.

Locators keep the path inside the archive; only links carry the grant, so that a manifest can be
asked for again without losing a reader's place.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from app.catalog.composing import PLURALS
from app.catalog.description import Kind
from app.database import rfc3339
from app.publications.covers import WIDTHS
from app.publications.models import Agent, Format, Publication, TocEntry
from app.publications.models import Link as InsideLink
from app.reader.queries.content import PREFIX, Held
from app.reader.schemas import Contributor, Link, Manifest, Metadata

MEDIA_TYPE = "application/webpub+json"
POSITIONS_TYPE = "application/vnd.readium.position-list+json"
PROFILES = {
    Format.EPUB: "https://readium.org/webpub-manifest/profiles/epub",
    Format.PDF: "https://readium.org/webpub-manifest/profiles/pdf",
    Format.CBZ: "https://readium.org/webpub-manifest/profiles/divina",
}
_ROLES = {"aut": "author", "trl": "translator", "edt": "editor", "ill": "illustrator"}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?)?)?")
CONTAINS = {
    "svg": "svg", "mathml": "mathml", "scripted": "js", "remote-resources": "remote-resources",
}  # fmt: skip
"""EPUB's properties of a manifest item in Readium's words (webpub-manifest, profiles/epub)."""
_MAX_RESOURCES = 5_000
decoder = msgspec.json.Decoder(Publication)


def manifest(
    held: Held,
    *,
    record_id: str,
    kind: str,
    title: str,
    grant: str,
    origin: str,
    until: datetime | None = None,
) -> Manifest:
    """The manifest of a held publication.

    ``origin`` is what absolute links begin with, ``grant`` what lets content be read, ``until``
    when the reader's use ends if they stop reading, where readers are limited in number.
    """
    publication = decoder.decode(held.publication)
    api = f"{origin}/api/v1/{PLURALS[Kind(kind)]}/{record_id}"
    base = f"{origin}/content/{grant}/{record_id}-{held.sha256[:PREFIX]}/"
    if publication.format is Format.PDF:
        reading_order = [Link(f"{api}/download", held.media_type, title=title)]
    else:
        reading_order = [_link(base, link) for link in publication.reading_order]
    return Manifest(
        metadata=_metadata(publication, record_id, title),
        links=_links(api, held, until),
        reading_order=reading_order,
        resources=[_link(base, link) for link in publication.resources[:_MAX_RESOURCES]],
        toc=[_toc(base, entry) for entry in publication.toc],
    )


def _metadata(publication: Publication, record_id: str, title: str) -> Metadata:
    by_role: dict[str, list[Contributor]] = {}
    for agent in publication.agents:
        by_role.setdefault(_ROLES.get(agent.role, "contributor"), []).append(_contributor(agent))
    published = _DATE.fullmatch(publication.published or "")
    progression = publication.page_progression
    return Metadata(
        type="http://schema.org/Book",
        title=publication.title or title,
        identifier=f"urn:uuid:{record_id}",
        conforms_to=PROFILES.get(publication.format, PROFILES[Format.EPUB]),
        author=by_role.get("author", []),
        translator=by_role.get("translator", []),
        editor=by_role.get("editor", []),
        illustrator=by_role.get("illustrator", []),
        contributor=by_role.get("contributor", []),
        publisher=publication.publisher or "",
        language=[tag for tag in publication.languages if re.fullmatch(r"[A-Za-z0-9-]{2,35}", tag)],
        published=published[0] if published else "",
        description=publication.description or "",
        subject=list(publication.subjects),
        number_of_pages=publication.page_count,
        reading_progression=progression if progression != "default" else "",
        layout=publication.layout if publication.layout == "fixed" else "",
    )


def _contributor(agent: Agent) -> Contributor:
    return Contributor(agent.name, agent.sort_as)


def _links(api: str, held: Held, until: datetime | None) -> list[Link]:
    # As OPDS 2.0 says it of what is lent (properties.schema.json): the next change of state.
    lent = {"availability": {"state": "available", "until": rfc3339(until)}} if until else {}
    links = [
        Link(f"{api}/manifest", MEDIA_TYPE, rel="self", properties=lent),
        Link(f"{api}/positions", POSITIONS_TYPE, rel="http://readium.org/position-list"),
        Link(f"{api}/download", held.media_type, rel="alternate", title=held.filename),
    ]
    if len(held.covers) > 2:
        links += [
            Link(f"{api}/cover?width={width}", "image/jpeg", rel="cover", width=width)
            for width in WIDTHS
        ]
    return links


def _link(base: str, link: InsideLink) -> Link:
    properties = {"contains": [CONTAINS[p] for p in link.properties if p in CONTAINS]}
    return Link(
        href=base + link.href,
        type=link.media_type,
        title=link.title or "",
        properties={k: v for k, v in properties.items() if v},
    )


def _toc(base: str, entry: TocEntry) -> Link:
    children = [_toc(base, child) for child in entry.children]
    href = base + entry.href if entry.href else _first_target(children) or base
    return Link(href=href, title=entry.title, children=children)


def _first_target(children: list[Link]) -> str | None:
    """A heading without a target leads to the first thing below it."""
    return children[0].href if children else None
