"""From a description to the row of its record: what is kept ready-made is made here alone."""

from __future__ import annotations

import zlib
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from app.catalog import normal
from app.catalog.description import (
    AgentLine,
    Description,
    Identifier,
    Kind,
    Summary,
    encoder,
)
from app.catalog.formats.candidates import Candidate
from app.catalog.models.records import LONGEST_TITLE_KEY
from app.database import rfc3339
from search.analysis.tokens import key

PLURALS = {
    Kind.BOOK: "books",
    Kind.JOURNAL: "journals",
    Kind.ISSUE: "issues",
    Kind.ARTICLE: "articles",
    Kind.COLLECTION: "collections",
    Kind.ITEM: "items",
    Kind.COURSE: "courses",
    Kind.LECTURE: "lectures",
}
_LISTED_AGENTS = 6
_LISTED_TITLE = 400
summary_decoder = msgspec.json.Decoder(Summary)


class Media(msgspec.Struct, frozen=True):
    """What a record's summary says of the publication it holds."""

    format: str | None = None
    has_cover: bool = False


NO_MEDIA = Media()


def media_of(summary: bytes) -> Media:
    """What a kept summary says of the publication."""
    kept = summary_decoder.decode(summary)
    return Media(kept.format, kept.cover is not None)


def summary(
    *,
    record_id: str,
    kind: str,
    description: Description,
    library_id: str,
    work_id: str,
    parent_id: str | None,
    added_at: datetime,
    media: Media = NO_MEDIA,
) -> bytes:
    """The record as lists show it, as JSON."""
    cover = f"/api/v1/{PLURALS[Kind(kind)]}/{record_id}/cover" if media.has_cover else None
    return encoder.encode(
        Summary(
            id=record_id,
            kind=kind,
            title=description.title[:_LISTED_TITLE],
            agents=tuple(
                AgentLine(agent.name[:200], agent.role)
                for agent in description.agents[:_LISTED_AGENTS]
            ),
            date=description.date.written[:80],
            year=description.date.first,
            language=normal.language(description.languages[0]) if description.languages else "",
            publisher=description.publisher[:120],
            library=library_id,
            work=work_id,
            parent=parent_id,
            cover=cover,
            format=media.format,
            available=media.format is not None,
            added_at=rfc3339(added_at),
        )
    )


def found_by(identifiers: tuple[Identifier, ...]) -> set[tuple[str, str]]:
    """The (scheme, normal value) pairs by which a record can be looked up."""
    pairs = set()
    for identifier in identifiers:
        value = identifier.value.strip()
        if identifier.scheme == "isbn":
            value = normal.isbn13(value) or value
        if value:
            pairs.add((identifier.scheme[:32], value[:500]))
    return pairs


def title_key(title: str) -> str:
    """The title by which a record can be looked up; empty where nothing in it is a word."""
    return key(title)[:LONGEST_TITLE_KEY]


def digest(body: bytes) -> bytes:
    """By which a received record is known to be unchanged."""
    return blake2b(body, digest_size=16).digest()


def source_row(record_id: str, candidate: Candidate, at: datetime) -> dict[str, Any]:
    """The record as received, to the byte; compressed where that is worth the time."""
    is_long = len(candidate.body) > _WORTH_COMPRESSING
    return {
        "record_id": record_id,
        "format": PACKED if is_long else PLAIN,
        "digest": digest(candidate.body),
        "body": zlib.compress(candidate.body, 1) if is_long else candidate.body,
        "received_at": at,
    }


def received(kept_as: str, body: bytes) -> bytes:
    """The record as it was received, from what is kept of it."""
    return zlib.decompress(body) if kept_as == PACKED else body


PLAIN, PACKED = "json", "json+zlib"
_WORTH_COMPRESSING = 2_000
