"""What a record says: the description, in the field's words, independent of any format.

What was catalogued stays as it was written (``Date.written``, ``Agent.written``) beside what was
understood from it. Fields of a source that have no place of their own are kept in ``extra``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Line = Annotated[str, Meta(max_length=4_000)]
Prose = Annotated[str, Meta(max_length=200_000)]


class Kind(StrEnum):
    """What a record describes."""

    BOOK = "book"
    JOURNAL = "journal"
    ISSUE = "issue"
    ARTICLE = "article"
    COLLECTION = "collection"
    ITEM = "item"
    COURSE = "course"
    LECTURE = "lecture"


CHILDREN = {
    Kind.JOURNAL: Kind.ISSUE,
    Kind.ISSUE: Kind.ARTICLE,
    Kind.COLLECTION: Kind.ITEM,
    Kind.COURSE: Kind.LECTURE,
}
"""What is listed below what."""
PARENTS = {child: parent for parent, child in CHILDREN.items()}


class State(StrEnum):
    """Where a record stands in its life. Withdrawn and merged ones remain as tombstones."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


LIVE = (State.DRAFT, State.PUBLISHED)


class Agent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person or body and their part in it; ``written`` is the statement as catalogued."""

    name: Line
    role: Line = "author"
    dynasty: Line = ""
    written: Line = ""


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """A heading: ``scheme`` such as ``clc``, ``lcsh``, ``lcc``; a code, a label, or both."""

    scheme: Line
    label: Line = ""
    code: Line = ""

    @property
    def key(self) -> str:
        """How filters and facets name it: ``clc:I242``, ``lcsh:Fables``."""
        return f"{self.scheme}:{self.code or self.label}"


class Identifier(msgspec.Struct, frozen=True):
    """An identifier and its scheme: ``isbn``, ``issn``, ``doi``, ``uid`` …"""

    scheme: Line
    value: Line


class Title(msgspec.Struct, frozen=True, omit_defaults=True):
    """Another title: ``kind`` is subtitle, parallel, variant, alternative, spine …"""

    value: Line
    kind: Line = "variant"


class Date(msgspec.Struct, frozen=True, omit_defaults=True):
    """A date as catalogued, and the years it was understood to span (astronomical years)."""

    written: Line = ""
    first: int | None = None
    last: int | None = None


class Description(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a record says of its resource. Lists keep the order of the source."""

    title: Annotated[str, Meta(min_length=1, max_length=4_000)]
    other_titles: tuple[Title, ...] = ()
    agents: tuple[Agent, ...] = ()
    subjects: tuple[Subject, ...] = ()
    languages: tuple[Line, ...] = ()
    script: Line = ""
    publisher: Line = ""
    place: Line = ""
    date: Date = Date()
    edition: Line = ""
    extent: Line = ""
    series: Line = ""
    description: Prose = ""
    contents: Prose = ""
    identifiers: tuple[Identifier, ...] = ()
    rights: Line = ""
    licence: Line = ""
    rating: float | None = None
    votes: int | None = None
    extra: dict[str, Any] = {}


FIELDS = tuple(Description.__struct_fields__)
encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(Description)


class AgentLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """An agent as lists show it."""

    name: str
    role: str = "author"


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record as lists show it: kept ready-made with the record's version."""

    id: str
    kind: str
    title: str
    agents: tuple[AgentLine, ...] = ()
    date: str = ""
    year: int | None = None
    language: str = ""
    publisher: str = ""
    library: str = ""
    work: str = ""
    parent: str | None = None
    cover: str | None = None
    format: str | None = None
    available: bool = False
    added_at: str = ""
