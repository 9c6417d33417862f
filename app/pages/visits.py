"""Uses that pages note: looking at a record, searching. Opening is noted by the manifest."""

from __future__ import annotations

from flask import request

from app.catalog.composing import summary_decoder
from app.catalog.queries.records import Found
from app.permissions import Caller
from app.reader.services.grants import is_open
from app.usage.facts import Event
from app.usage.recorder import Recorder

PLATFORM = "web"


def visit(usage: Recorder, caller: Caller) -> str:
    """The opaque id of this visit."""
    return usage.visit(caller.address, request.headers.get("User-Agent", ""))


def looked_at(usage: Recorder, caller: Caller, found: Found) -> None:
    """Notes that a record's page was shown."""
    usage.use(
        Event.VIEW,
        visit(usage, caller),
        record=found.id,
        kind=found.kind,
        library=found.library_id,
        title=found.parent_id or "",
        year=summary_decoder.decode(found.summary).year,
        open_access=is_open(found),
        platform=PLATFORM,
    )
