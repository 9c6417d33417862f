"""From what a file says of itself to a description."""

from __future__ import annotations

from app.catalog.dates import understand
from app.catalog.description import Agent, Description, Identifier, Subject, Title
from app.catalog.statements import agent_of
from app.publications.models import Publication

ROLES = {
    "aut": "author", "edt": "editor", "trl": "translator", "ill": "illustrator",
    "ctb": "contributor", "com": "compiler", "ann": "annotator", "aui": "author of preface",
    "nrt": "narrator", "pbl": "publisher", "bkp": "producer", "art": "artist",
}  # fmt: skip
"""MARC relator codes (id.loc.gov/vocabulary/relators) in words."""


def describe(publication: Publication, fallback_title: str) -> Description:
    """The description of a publication; a file without a title is called by its name."""
    title = (publication.title or "").strip() or fallback_title.strip() or "无题名"
    agents = [_agent(agent.name, ROLES.get(agent.role, agent.role)) for agent in publication.agents]
    published = publication.published or ""
    return Description(
        title=title[:4_000],
        other_titles=tuple(Title(value[:4_000]) for value in publication.other_titles[:50]),
        agents=tuple(agent for agent in agents if agent)[:200],
        subjects=tuple(Subject("local", label=s[:4_000]) for s in publication.subjects[:200]),
        languages=tuple(tag[:64] for tag in publication.languages[:20]),
        publisher=(publication.publisher or "")[:4_000],
        date=understand(published[:200]),
        series=(publication.series or "")[:4_000],
        extent=f"{publication.page_count} 页" if publication.page_count else "",
        description=(publication.description or "")[:200_000],
        identifiers=tuple(
            Identifier(i.scheme[:32], i.value[:500]) for i in publication.identifiers[:50]
        ),
        rights=(publication.rights or "")[:4_000],
    )


def _agent(name: str, role: str) -> Agent | None:
    return agent_of(name[:4_000], role)
