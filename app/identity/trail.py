"""What was audited, as it is searched, sealed and exported."""

from __future__ import annotations

from typing import Any

import msgspec


class AuditLine(msgspec.Struct, frozen=True):
    """Something that was done: when, by whom, to what, from where."""

    id: str
    at: str
    actor: str | None
    """The account; none for a command or the worker."""
    action: str
    subject: str
    library: str | None
    address: str
    request: str
    """The id of the request, as logs and answers name it."""
    detail: dict[str, Any]


class AuditList(msgspec.Struct, frozen=True):
    """What was done, the newest first."""

    items: list[AuditLine]
    next: str | None


class Seal(msgspec.Struct, frozen=True, tag_field="kind", tag="seal"):
    """A seal over ``count`` events: their Merkle root, chained to the seal before."""

    number: int
    at: str
    count: int
    root: str
    previous: str
    seal: str


class SealedEvent(msgspec.Struct, frozen=True, tag_field="kind", tag="event"):
    """An event of the seal before it in an export: the text that is hashed, and its audit path."""

    place: int
    leaf: str
    path: list[str]


class Verified(msgspec.Struct, frozen=True):
    """How far the chain of seals holds."""

    seals: int
    events: int
    last: Seal | None
    fault: str | None
    """The first that does not fit."""
    waiting: int = 0
    """Events that the next seal will hold."""
