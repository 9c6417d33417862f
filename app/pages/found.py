"""A search's answer as its page shows it: hits with marks, filters as links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from markupsafe import Markup

from app.catalog.description import Summary
from app.catalog.services.finding import FacetValue, SearchAnswer, SearchQuery
from app.pages.render import authors, link
from app.pages.words import Words
from search.index import Sort

FILTERS = ("kind", "subject", "language", "library", "year", "available")
SNIPPETS = ("other_titles", "subjects", "description", "contents", "text")
_VALUES = 10
_SORTS = (Sort.RELEVANCE, Sort.ADDED, Sort.TITLE, Sort.YEAR, Sort.YEAR_DOWN)


class FoundSummary(Summary, frozen=True, kw_only=True):
    """A summary with what matched: field to HTML, escaped, matches in ``<mark>``."""

    highlights: dict[str, list[str]] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownHit:
    """One result."""

    record: FoundSummary
    title: Markup | str
    by: Markup | str
    snippets: list[Markup]


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that changes the question: a facet's value, a sort, a filter to remove."""

    label: str
    href: str
    count: int = 0
    chosen: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class ShownFacet:
    """A facet and its values."""

    name: str
    label: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the page needs of an answer."""

    total: int
    total_exact: bool
    hits: list[ShownHit]
    facets: list[ShownFacet]
    facets_exact: bool
    applied: list[Choice]
    clear: str
    sorts: list[Choice]
    correction: str | None
    relaxed: bool
    narrow: bool
    degraded: bool
    ignored: str
    next: str | None
    first: str | None


def shown(asked: SearchQuery, answer: SearchAnswer, names: dict[str, str], words: Words) -> Shown:
    """The answer for the page, in the reader's language.

    ``names`` are those of the libraries and classes that are asked for, by value.
    """
    given = _given(asked)
    return Shown(
        total=answer.total,
        total_exact=answer.total_exact,
        hits=[_hit(msgspec.json.decode(msgspec.json.encode(i), type=FoundSummary), words)
              for i in answer.items],
        facets=[facet for name in FILTERS if (facet := _facet(name, answer, given, words))],
        facets_exact=answer.facets_exact,
        applied=_applied(given, names, words),
        clear=link("/search", q=asked.q, sort=given.get("sort")),
        sorts=_sorts(asked, given, words),
        correction=answer.correction,
        relaxed=answer.relaxed,
        narrow=answer.narrow is not None,
        degraded=answer.degraded,
        ignored=words("search.and").join(words(f"ignored.{name}") for name in answer.ignored),
        next=link("/search", **given, cursor=answer.next) if answer.next else None,
        first=link("/search", **given) if asked.cursor else None,
    )  # fmt: skip


def _given(asked: SearchQuery) -> dict[str, Any]:
    """The question without its cursor, as the query string names it; defaults are left out."""
    usual = SearchQuery()
    return {
        name: value
        for name in ("q", *FILTERS, "sort", "group")
        if (value := getattr(asked, name)) != getattr(usual, name)
    }


def _hit(record: FoundSummary, words: Words) -> ShownHit:
    marks = record.highlights
    joint = "；" if words.tag != "en" else "; "
    title = _marked(marks["title"][0]) if marks.get("title") else record.title
    by: Markup | str = joint.join(authors(record.agents))
    if agents := marks.get("agents"):
        by = _marked(joint).join(_marked(agent) for agent in agents[:3])
    snippets = [_marked(text) for name in SNIPPETS for text in marks.get(name, ())[:1]]
    return ShownHit(record, title, by, snippets[:2])


def _marked(highlight: str) -> Markup:
    """What the highlighter gives is escaped HTML with ``<mark>`` alone (search.highlights)."""
    return Markup(highlight)  # noqa: S704 - see above


def _facet(
    name: str, answer: SearchAnswer, given: dict[str, Any], words: Words
) -> ShownFacet | None:
    values = [value for value in answer.facets.get(name, []) if value.value]
    if len(values) < 2 and name not in given:
        return None
    choices = [_choice(name, value, given, words) for value in values[:_VALUES]]
    return ShownFacet(name, words(f"facet.{name}"), choices) if choices else None


def _choice(name: str, value: FacetValue, given: dict[str, Any], words: Words) -> Choice:
    chosen = value.value in _values(given.get(name))
    changed = {**given, name: None if chosen else value.value}
    return Choice(
        _label(name, value.value, value.label, words),
        link("/search", **changed),
        value.count,
        chosen,
    )


def _applied(given: dict[str, Any], names: dict[str, str], words: Words) -> list[Choice]:
    """The filters that hold, each as a link that removes it."""
    applied = []
    for name in FILTERS:
        values = _values(given.get(name))
        for value in values:
            rest = [other for other in values if other != value]
            label = _label(name, value, names.get(value, value), words)
            href = link("/search", **{**given, name: rest})
            applied.append(Choice(label, href, name=words(f"facet.{name}")))
    return applied


def _sorts(asked: SearchQuery, given: dict[str, Any], words: Words) -> list[Choice]:
    return [
        Choice(
            words(f"sort.{way}"),
            link("/search", **{**given, "sort": None if way is Sort.RELEVANCE else way.value}),
            chosen=asked.sort is way,
        )
        for way in _SORTS
    ]


def _values(given: Any) -> list[str]:
    if given is None:
        return []
    return [str(given)] if isinstance(given, str) else [str(value) for value in given]


def _label(name: str, value: str, label: str, words: Words) -> str:
    if name in ("kind", "language", "available"):
        own = words.of(name, value)
        return label if own == value else own
    return label.partition(":")[2] if label == value and name == "subject" else label
