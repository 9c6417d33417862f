"""The rows of a library's file in parts, each of which one transaction takes.

A row is judged by what stood before it in the same file: of a card that stands twice the first
row counts, so that every run comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from app.database import Database
from app.identity.reports import ReaderReport
from app.identity.roster import Refused, Roster, Row
from app.identity.services import audit, missing, registering
from app.identity.services.audit import Actor
from app.identity.services.registering import Told
from app.lines import Refusal
from app.sealing import Sealer
from app.seen import Seen

CHUNK = 2_000
AT_MOST = 10
"""Parts in a hundred of a library's open cards that may be missing in the whole of its readers."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported for which library, and by whom it was ordered.

    ``whole`` says that the file holds all readers of the library, of whose cards ``at_most`` parts
    in a hundred may be missing.
    """

    roster: Roster
    name: str
    actor: Actor = audit.SYSTEM
    whole: bool = False
    at_most: int = AT_MOST

    @property
    def library_id(self) -> str:
        """Whose readers they are."""
        return self.roster.library_id


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that one transaction takes, no card twice."""

    rows: Sequence[Told]
    refused: Sequence[Refusal]
    notes: Sequence[Refusal]
    size: int
    unread: int
    """Rows of which not even the card could be read."""


def parts(rows: Iterator[Row], sealer: Sealer, seen: Seen) -> Iterator[Part]:
    """Rows in parts, without those whose card stood before in the file."""
    while chunk := list(islice(rows, CHUNK)):
        # A row that cannot be taken shows all the same that its card is not missing.
        named = [(row, card.lookup(sealer)) for row in chunk if (card := row.card)]
        earlier = seen.take([(lookup, row.place) for row, lookup in named])
        fresh, refused = list[Told](), [row.refusal for row in chunk if isinstance(row, Refused)]
        for (row, lookup), place in zip(named, earlier, strict=True):
            if isinstance(row, Refused):
                continue
            if place is None:
                fresh.append(registering.told(sealer, row, lookup))
            else:
                message = f"This card stands at {place} already."
                refused.append(Refusal(row.place, "repeated", message))
        notes = [note for one in fresh for note in one.entry.notes]
        yield Part(fresh, refused, notes, len(chunk), unread=len(chunk) - len(named))


def count(report: ReaderReport, part: Part, added: int, changed: int, unchanged: int) -> None:
    report.read += part.size
    report.refused += len(part.refused)
    report.added += added
    report.changed += changed
    report.unchanged += unchanged


def absent(
    database: Database, order: Order, seen: Seen, report: ReaderReport, unread: int, before: int
) -> tuple[int, Refusal | None]:
    """How many open cards the file does not have, and why they are not to be suspended.

    ``before`` were suspended for the same file until it was interrupted.
    """
    found = sum(len(gone) for gone in missing.pages(database, order.library_id, seen))
    with database.transaction(writes=False) as session:
        cards = missing.open_cards(session, order.library_id) + before
    if not found:
        return 0, None
    if unread or report.read == report.refused:
        message = f"{found:,} cards are missing; none was suspended, for rows could not be read."
        return found, Refusal("file", "whole-unsure", message)
    if missing.is_too_many(found + before, cards, order.at_most):
        message = (
            f"{found:,} of {cards:,} open cards are missing, more than {order.at_most} %; none "
            "was suspended. Is the file complete? If it is, say how many may be missing."
        )
        return found, Refusal("file", "too-many-missing", message)
    return found, None
