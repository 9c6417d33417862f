"""Uses that pages note: looking at a record, searching. Opening is noted by the manifest."""

from __future__ import annotations

from app.catalog.queries.records import Found
from app.catalog.routes import noting
from app.permissions import Caller
from app.usage.facts import Event
from app.usage.recorder import Recorder

PLATFORM = "web"


def searched(usage: Recorder, caller: Caller, found: int, words: str) -> None:
    """Notes that a page of results was shown."""
    noting.searched(usage, caller, found, words, PLATFORM)


def looked_at(usage: Recorder, caller: Caller, found: Found) -> None:
    """Notes that a record's page was shown."""
    noting.used(usage, caller, Event.VIEW, found, PLATFORM)
