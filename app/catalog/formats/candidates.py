"""What every import format turns its input into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from app.catalog.description import Description, Kind
from app.lines import Refusal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that could be read: where it stood, the bytes as received, what it says."""

    place: str
    body: bytes
    source: str
    source_id: str
    description: Description
    kind: Kind = Kind.BOOK
    parent: str = ""
    """The source id, in the same source, of the record it belongs to."""


class RecordFormat(Protocol):
    """A format of records: reads one after the other, never the whole file at once."""

    @property
    def name(self) -> str:
        """What ``--format`` calls it."""

    def read(self) -> Iterator[Candidate | Refusal]:
        """Every record in order, always in the same; one that is bad stops nothing."""
