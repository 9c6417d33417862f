"""Kaijuan's own exchange form of a record, one JSON object: shared by JSON lines and CSV.

Fields: ``src id`` (together unique), ``title``, ``creator`` (list), ``lang``, ``publisher``,
``date``, ``isbn``, ``subjects`` (list; ``scheme:heading``), ``description``, ``licence``,
``rights``, ``rating``, ``votes``, ``uid``, ``kind``, ``parent`` (the id, in the same source, of the
journal, issue, collection or course that it belongs to) and ``extra`` (anything else, kept).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from app.catalog.dates import understand
from app.catalog.description import (
    Agent,
    Description,
    Identifier,
    Kind,
    Subject,
    Title,
    decoder,
    encoder,
)
from app.catalog.formats.candidates import Candidate
from app.catalog.statements import agent_of
from app.catalog.texts import is_blank
from app.lines import Refusal

SCHEMES = ("clc", "lcsh", "lcc", "mesh", "fast", "ddc", "bisac")
_HANT = re.compile(r"Hant|TW|HK", re.IGNORECASE)
_STATEMENT = re.compile(r"^\s*[(（\[].{1,8}[)）\]].+[撰著编編輯辑纂修注註校譯译]$")
_NUL = re.compile(rb"\0|(?<!\\)(?:\\\\)*\\u0000")
"""In JSON, raw or escaped; an escaped backslash before ``u0000`` is none."""
_FILES = ("epub", "file", "filename", "文件名", "文件")
"""Columns that name the file of a record: `import books` attaches it by that name."""
SHORTEST_LIMIT = 4_000
"""Bytes: the lowest limit on the length of a field of a description."""
_ABSTRACTS = ("intro", "desc", "dc_description", "description", "abstract")


class ExchangeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record in the exchange form. Formats put members it does not know into ``extra``."""

    title: Annotated[str, Meta(max_length=4_000)] = ""
    id: Annotated[str, Meta(max_length=400)] = ""
    src: Annotated[str, Meta(max_length=64)] = ""
    creator: list[Annotated[str, Meta(max_length=2_000)] | None] = []
    lang: str = ""
    publisher: Annotated[str, Meta(max_length=4_000)] = ""
    date: Annotated[str, Meta(max_length=1_000)] = ""
    isbn: str | list[str] = []
    subjects: list[Annotated[str, Meta(max_length=2_000)] | None] = []
    description: Annotated[str, Meta(max_length=200_000)] = ""
    rights: Annotated[str, Meta(max_length=4_000)] = ""
    licence: Annotated[str, Meta(max_length=4_000)] = ""
    rating: float | None = None
    votes: int | None = None
    uid: str = ""
    kind: Kind = Kind.BOOK
    parent: Annotated[str, Meta(max_length=400)] = ""
    alternative: list[str] = []
    extra: dict[str, Any] = {}


def candidate(record: ExchangeRecord, body: bytes, place: str) -> Candidate | Refusal:
    """The record as the catalogue takes it, or why it cannot."""
    if is_blank(record.title):
        return Refusal(place, "title-missing", "The record has no title.")
    if (b"u0000" in body or b"\0" in body) and _NUL.search(body):
        message = "The record has a NUL character, which no text of a record may have."
        return Refusal(place, "character-invalid", message)
    if not record.src or not record.id:
        message = "`src` and `id` are needed to know the record again at the next import."
        return Refusal(place, "identity-missing", message)
    description = describe(record)
    if len(body) > SHORTEST_LIMIT:  # a shorter record cannot hold a field that is too long
        try:
            decoder.decode(encoder.encode(description))
        except msgspec.ValidationError as error:
            return Refusal(place, "field-too-long", str(error))
    return Candidate(place, body, record.src, record.id, description, record.kind, record.parent)


def describe(record: ExchangeRecord) -> Description:
    """The description, with what has no place of its own kept in ``extra``."""
    isbns = [record.isbn] if isinstance(record.isbn, str) else record.isbn
    identifiers = [Identifier("isbn", value) for value in isbns if value]
    if record.uid:
        identifiers.append(Identifier("uid", record.uid))
    if held := record.extra.get("wzl_isbn"):
        identifiers.append(Identifier("isbn", str(held)))
    identifiers.extend(
        Identifier("file", file.replace("\\", "/").rsplit("/", 1)[-1][:400])
        for name in _FILES
        if isinstance(file := record.extra.get(name), str) and file.strip()
    )
    return Description(
        title=record.title.strip(),
        other_titles=tuple(Title(value) for value in record.alternative if value.strip()),
        agents=_agents(record),
        subjects=tuple(subject(value) for value in record.subjects if value and value.strip()),
        languages=tuple(part.strip() for part in record.lang.split("/") if part.strip()),
        script="Hant" if _HANT.search(record.lang) else "",
        publisher=record.publisher,
        date=understand(record.date),
        description=record.description or _abstract(record.extra),
        identifiers=tuple(identifiers),
        rights=record.rights or str(record.extra.get("rights") or ""),
        licence=record.licence,
        rating=record.rating,
        votes=record.votes,
        extra=record.extra,
    )


def _agents(record: ExchangeRecord) -> tuple[Agent, ...]:
    agents = [agent for written in record.creator if (agent := agent_of(written or ""))]
    if not agents and _STATEMENT.match(record.publisher):
        # Some catalogues put the statement of responsibility where the publisher goes.
        agents = [agent] if (agent := agent_of(record.publisher)) else []
    return tuple(agents)


def subject(written: str) -> Subject:
    """``lcsh:Fables`` is a heading of a scheme; anything else is the library's own."""
    scheme, separator, rest = written.partition(":")
    if separator and scheme.lower() in SCHEMES:
        coded = scheme.lower() in ("clc", "lcc", "ddc")
        code, _, label = rest.strip().partition(" ") if coded else ("", "", rest.strip())
        return Subject(scheme.lower(), label=label, code=code)
    return Subject("local", label=written.strip())


def _abstract(extra: dict[str, Any]) -> str:
    for name in _ABSTRACTS:
        value = extra.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""
