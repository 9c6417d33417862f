"""Noting uses while an answer is on its way: who visits, and what was used."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from app.catalog.composing import summary_decoder
from app.catalog.queries.records import Found
from app.identity.access import is_open
from app.identity.conditions import Reason
from app.permissions import Caller
from app.usage.facts import Event
from app.usage.recorder import Recorder

API = "api"
DENIALS: Mapping[str, Event] = {
    Reason.IN_USE: Event.LIMIT_EXCEEDED,
    Reason.STAFF_ONLY: Event.NO_LICENSE,
    Reason.ASSURANCE: Event.NO_LICENSE,
    Reason.OWN_READERS: Event.NO_LICENSE,
    Reason.OWN_NETWORK: Event.NO_LICENSE,
    Reason.ANY_NETWORK: Event.NO_LICENSE,
}
"""What being turned away for a reason counts as (COUNTER 5.1, Metric_Type)."""


def searched(usage: Recorder, caller: Caller, found: int, words: str, platform: str = API) -> None:
    """Notes a search: once for its first page, and not for browsing without words."""
    if words.strip() and _is_use() and not request.args.get("cursor"):
        usage.search(_visit(usage, caller), found, words, platform)


def used(usage: Recorder, caller: Caller, event: Event, found: Found, platform: str = API) -> None:
    """Notes that a record was looked at, opened or downloaded."""
    if not _is_use():
        return
    usage.use(
        event,
        _visit(usage, caller),
        record=found.id,
        kind=found.kind,
        library=found.library_id,
        title=found.parent_id or "",
        year=summary_decoder.decode(found.summary).year,
        open_access=is_open(found),
        platform=platform,
    )


def denied(usage: Recorder, caller: Caller, found: Found, reason: str) -> None:
    """Notes that somebody who would open a record was turned away, where that tells of licences.

    Who has only to sign in, or comes too early, was not.
    """
    if event := DENIALS.get(reason):
        used(usage, caller, event, found)


def _is_use() -> bool:
    """HEAD asks what there is, and the parts of a file after its first belong to one use."""
    begins = request.headers.get("Range", "bytes=0-").replace(" ", "").startswith("bytes=0-")
    return request.method == "GET" and begins


def _visit(usage: Recorder, caller: Caller) -> str:
    """The opaque id of this visit."""
    return usage.visit(caller.address, request.headers.get("User-Agent", ""))
