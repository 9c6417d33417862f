"""What a record's page lists beside the description: names of facts and their values."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from app.catalog import composing
from app.catalog.description import Date
from app.catalog.models import SourceRecord
from app.catalog.schemas import RecordView
from app.pages.render import link
from app.pages.words import Words

_LONGEST = 4_000
_INTERNAL = ("file", "uid")
"""Schemes that say nothing to a reader."""
_SCHEMES = {"isbn": "ISBN ", "issn": "ISSN ", "doi": "DOI "}


@dataclass(frozen=True, slots=True)
class Fact:
    """One value: as written, where it leads, and a note on how it was understood."""

    text: str
    href: str = ""
    note: str = ""


def facts(seen: RecordView, words: Words) -> list[tuple[str, list[Fact]]]:
    """The facts in the order of a catalogue card; those that say nothing are left out."""
    about = seen.description
    others = [title for title in about.other_titles if title.kind not in ("subtitle", "parallel")]
    rating = f"{about.rating:.2f}" if about.rating is not None else ""
    votes = words("record.votes", n=f"{about.votes:,}") if about.votes else ""
    known_by = [
        Fact(_SCHEMES.get(i.scheme, "") + i.value)
        for i in about.identifiers
        if i.scheme not in _INTERNAL
    ]
    listed = [
        ("record.other-titles", [Fact(title.value) for title in others]),
        ("record.date", [Fact(about.date.written, note=understood(about.date, words))]),
        ("record.publisher", [Fact(about.publisher)]),
        ("record.place", [Fact(about.place)]),
        ("record.language", [Fact(_language(code, words)) for code in about.languages]),
        ("record.edition", [Fact(about.edition)]),
        ("record.extent", [Fact(about.extent)]),
        ("record.series", [Fact(about.series)]),
        ("record.identifiers", known_by),
        ("record.rights", [Fact(about.rights)]),
        ("record.licence", [Fact(about.licence)]),
        ("record.library", [Fact(seen.library_name, link("/search", library=seen.library))]),
        ("record.rating", [Fact(rating, note=votes)]),
    ]  # fmt: skip
    return [(name, said) for name, values in listed if (said := [v for v in values if v.text])]


def understood(date: Date, words: Words) -> str:
    """The years a date was understood to span, where that is not what was written."""
    if date.first is None:
        return ""
    ends = dict.fromkeys((date.first, date.last if date.last is not None else date.first))
    years = "–".join(str(y) if y > 0 else words("record.bce", year=1 - y) for y in ends)
    is_plain = all(str(year) in date.written for year in ends)
    return "" if is_plain else words("record.understood", years=years)


def _language(code: str, words: Words) -> str:
    """The name of a language: of ``en-GB``, or else of ``en``; the code, when there is none."""
    return words.of("language", code, words.of("language", code.partition("-")[0], code))


def received(source: SourceRecord | None) -> list[tuple[str, str]]:
    """The fields of a record as they were received, in their order."""
    if source is None or not source.format.startswith("json"):
        return []
    fields = msgspec.json.decode(composing.received(source.format, source.body))
    if not isinstance(fields, dict):
        return []
    return [
        (name, _said(value)) for name, value in fields.items() if value not in (None, "", [], {})
    ]


def _said(value: object) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        text = "\n".join(value)
    elif isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
