"""Records that stand more than once in a file, however long it is."""

from __future__ import annotations

from collections.abc import Sequence

from app.catalog.formats.candidates import Candidate
from app.lines import Refusal
from app.seen import Seen


class Repeats(Seen):
    """Where each record of a file stood first."""

    def again(self, candidates: Sequence[Candidate]) -> list[Refusal]:
        """Notes where these stand; answers those that stood before, which these now replace."""
        earlier = self.take([(f"{c.source}\0{c.source_id}", c.place) for c in candidates])
        return [
            Refusal(
                one.place,
                "repeated",
                f"{one.source_id!r} stood at {place} already; what this later one says stands.",
            )
            for one, place in zip(candidates, earlier, strict=True)
            if place is not None
        ]
