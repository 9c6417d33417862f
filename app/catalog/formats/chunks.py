"""Records in chunks, each of which is taken in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from app.catalog.formats.candidates import Candidate
from app.lines import Refusal


@dataclass(slots=True)
class Chunk:
    """What one transaction takes; ``size`` counts both."""

    candidates: list[Candidate] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many records of the file this is."""
        return len(self.candidates) + len(self.refusals)


def chunks(records: Iterator[Candidate | Refusal], most: int) -> Iterator[Chunk]:
    """Chunks in which no record stands twice: a later one of the same id begins the next."""
    held: list[Candidate | Refusal] = []
    while True:
        chunk, known = Chunk(), set[tuple[str, str]]()
        batch = islice(chain(held, records), most)
        held = []
        for record in batch:
            if isinstance(record, Refusal):
                chunk.refusals.append(record)
                continue
            identity = (record.source, record.source_id)
            if identity in known:
                held = [record]
                break
            known.add(identity)
            chunk.candidates.append(record)
        if not chunk.size:
            return
        yield chunk
