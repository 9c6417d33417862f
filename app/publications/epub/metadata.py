"""Metadata of package documents: OPF 2.0.1 (2.2), EPUB 3.3 (5.5) and their mixtures."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import nh3
from lxml import etree

from app.publications.findings import Report
from app.publications.markup import attribute, children, local, text_of
from app.publications.models import Agent, Identifier
from app.publications.paths import HIDDEN

MOST_CHARACTERS = 20_000
MOST_VALUES = 500
ROLE = re.compile(r"[a-z]{3}")
URI = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
DEFAULT_ROLES = {"creator": "aut", "contributor": "ctb"}
SCHEMES = {"isbn", "issn", "uuid", "doi"}
ISBN = re.compile(r"(?:97[89])?\d{9}[\dX]")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Metadata:
    """The values of a package, in the file's order. ``properties`` are metas without refines."""

    values: dict[str, list[etree._Element]] = field(default_factory=lambda: defaultdict(list))
    properties: dict[str, str] = field(default_factory=dict)
    refinements: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


class MetadataReader:
    """Reads the metadata element of a package and says what it had to mend."""

    def __init__(self, package: etree._Element, report: Report) -> None:
        self._report = report
        self._package = package
        self._found = Metadata()
        block = next(children(package, "metadata"), None)
        for element in _elements(block) if block is not None else ():
            self._take(element)

    def _take(self, element: etree._Element) -> None:
        name = local(element)
        if name != "meta":
            if len(self._found.values[name]) < MOST_VALUES:
                self._found.values[name].append(element)
            return
        refined = (attribute(element, "refines") or "").removeprefix("#")
        key = attribute(element, "property") or attribute(element, "name")
        if not key:
            return
        value = (element.get("content") or "").strip() or self.clean(element)
        if refined:
            self._found.refinements[refined].setdefault(key, value)
        else:
            self._found.properties.setdefault(key, value)

    def clean(self, element: etree._Element) -> str:
        """The text of an element without control and direction characters."""
        return self.clean_text(text_of(element))

    def clean_text(self, text: str) -> str:
        """The same of a text; cut at 20,000 characters."""
        if HIDDEN.search(text):
            self._report.add("metadata-characters", ascii(text[:60])[1:-1])
            text = HIDDEN.sub("", text)
        if len(text) > MOST_CHARACTERS:
            self._report.add("metadata-long", text[:60])
            text = text[:MOST_CHARACTERS]
        return text.strip()

    def property(self, *names: str) -> str | None:
        """The first of these properties that the package has."""
        return next((v for n in names if (v := self._found.properties.get(n))), None)

    def texts(self, name: str) -> list[str]:
        """All values of a Dublin Core element, without empty ones and repetitions."""
        values = (self.clean(element) for element in self._found.values[name])
        return list(dict.fromkeys(value for value in values if value))

    def text(self, name: str) -> str | None:
        """The first value of a Dublin Core element."""
        return next(iter(self.texts(name)), None)

    def _refined(self, element: etree._Element, key: str) -> str | None:
        return self._found.refinements.get(element.get("id") or "", {}).get(key)

    def titles(self) -> tuple[str | None, tuple[str, ...], str | None]:
        """The main title with its subtitle, the other titles, and the title to sort by."""
        typed = [(t, self._refined(t, "title-type") or "") for t in self._found.values["title"]]
        typed = [(title, kind) for title, kind in typed if self.clean(title)]
        if not typed:
            return self.property("dcterms:title", "calibre:title"), (), None
        main = next((title for title, kind in typed if kind == "main"), typed[0][0])
        name = self.clean(main)
        others = [self.clean(title) for title, _ in typed if title is not main]
        sort = self._refined(main, "file-as") or self.property("calibre:title_sort")
        return name, tuple(dict.fromkeys(other for other in others if other != name)), sort

    def agents(self) -> tuple[Agent, ...]:
        """Creators and contributors, each once a role."""
        agents: dict[tuple[str, str], Agent] = {}
        for kind, default in DEFAULT_ROLES.items():
            for element in self._found.values[kind]:
                name = self.clean(element)
                role = self._refined(element, "role") or attribute(element, "role") or default
                role = role.strip().lower()
                role = role if ROLE.fullmatch(role) else default
                sort = self._refined(element, "file-as") or attribute(element, "file-as")
                if name:
                    agents.setdefault((name, role), Agent(name, role, sort))
        return tuple(agents.values())

    def identifiers(self) -> tuple[Identifier, ...]:
        """Identifiers with their schemes, and an ISBN given as the source's."""
        found: dict[str, Identifier] = {}
        for element in self._found.values["identifier"]:
            if value := self.clean(element):
                found.setdefault(value, identifier(value, attribute(element, "scheme")))
        for value in self.texts("source"):
            candidate = identifier(value)
            if candidate.scheme == "isbn":
                found.setdefault(value, candidate)
        return tuple(found.values())

    def unique_identifier(self) -> str:
        """The identifier that the package calls its own; empty if there is none."""
        wanted = self._package.get("unique-identifier")
        elements = self._found.values["identifier"]
        own = next((e for e in elements if wanted and e.get("id") == wanted), None)
        if own is None:
            own = elements[0] if elements else None
        return text_of(own) if own is not None else ""

    def published(self) -> str | None:
        """The date of publication as written; an undated one before that of a conversion."""
        dates = [(attribute(d, "event") or "", self.clean(d)) for d in self._found.values["date"]]
        ranks = {"publication": 0, "original-publication": 1, "": 2, "issued": 2}
        dates = sorted((d for d in dates if d[1]), key=lambda date: ranks.get(date[0].lower(), 3))
        return dates[0][1] if dates else None

    def description(self) -> str | None:
        """The description as plain text: many books write HTML there."""
        text = "\n".join(self.texts("description"))
        return nh3.clean(text, tags=set()).strip() or None if "<" in text else text or None

    def series(self) -> tuple[str | None, str | None]:
        """Name and position of the series, by EPUB 3 collection or Calibre's metas."""
        for element_id, refined in self._found.refinements.items():
            if refined.get("collection-type") == "series":
                named = (e for e in self._package.iter("{*}meta") if e.get("id") == element_id)
                name = next(map(self.clean, named), None)
                return name, refined.get("group-position")
        return self.property("calibre:series"), self.property("calibre:series_index")


def identifier(value: str, scheme: str | None = None) -> Identifier:
    """An identifier with its scheme recognised from what it says or looks like."""
    bare = re.sub(r"^(?:urn:)?(isbn|issn|uuid|doi)[:\s]\s*", "", value, flags=re.IGNORECASE)
    said = (scheme or "").strip().lower()
    prefix = re.match(r"(?:urn:)?(isbn|issn|uuid|doi)\b", value, re.IGNORECASE)
    if prefix:
        said = prefix[1].lower()
    compact = bare.replace("-", "").replace(" ", "").upper()
    if ISBN.fullmatch(compact) and said in ("", "isbn") and (len(compact) == 13 or said):
        return Identifier(bare, "isbn")
    if UUID.fullmatch(bare):
        return Identifier(bare, "uuid")
    if said in SCHEMES:
        return Identifier(bare, said)
    if value.startswith("10.") and "/" in value:
        return Identifier(value, "doi")
    return Identifier(value, "uri" if URI.match(value) else "other")


def _elements(block: etree._Element) -> Iterator[etree._Element]:
    """The children of the metadata element, and those of OPF 1's dc-metadata and x-metadata."""
    for child in block:
        if local(child) in ("dc-metadata", "x-metadata"):
            yield from (grandchild for grandchild in child if local(grandchild))
        elif local(child):
            yield child
