"""What identity's endpoints take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LibraryId = Annotated[str, Meta(min_length=1, max_length=64)]


class LibraryItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A library of the network."""

    id: str
    name: str
    level: str
    parent: str | None = None
    state: str = "joined"


class LibraryList(msgspec.Struct, frozen=True):
    """The libraries directly below one, in the tree's order."""

    items: list[LibraryItem]
    next: str | None


class LibraryQuery(msgspec.Struct, frozen=True):
    """Which libraries: those directly below ``parent``, the roots without it."""

    parent: Annotated[str, Meta(max_length=64)] | None = None
    at: Annotated[datetime, Meta(tz=True, description="As the tree was then.")] | None = None
    cursor: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    cursor: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class HandleItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A phone number, address or library card that one is signed in to by, masked."""

    id: str
    kind: str
    mask: str
    verified: bool
    library: str | None = None


class Me(msgspec.Struct, frozen=True):
    """Who is signed in, and with which roles.

    ``second_factor`` is ``off``, ``on``, or ``asked`` while nobody is signed in before it was
    shown; what has power over others counts only while ``proven``.
    """

    account: str
    name: str
    roles: list[str]
    second_factor: Literal["off", "on", "asked"]
    proven: bool
    home: str | None = None
    handles: list[HandleItem] = []
    closing_at: str | None = None


class ReaderImportItem(msgspec.Struct, frozen=True):
    """A file of readers: how far it is, and what became of its rows.

    ``state`` is running, done, stopped (another file came when it had been interrupted) or undone.
    """

    id: str
    name: str
    format: str
    library: str
    state: str
    whole: bool
    read: int
    added: int
    changed: int
    unchanged: int
    refused: int
    missing: int
    """Open cards that a file does not have which says that it holds all."""
    suspended: int
    started_at: str
    finished_at: str | None


class ReaderImportList(msgspec.Struct, frozen=True):
    """Files of readers, the newest first."""

    items: list[ReaderImportItem]
    next: str | None


class CardItem(msgspec.Struct, frozen=True):
    """A card as the staff of its library see it.

    ``state`` is open, suspended, or missing: not in what the library said to be all its readers.
    """

    account: str
    state: str
    expires_at: str | None
    claimed: bool
    """Whether its reader has it on an account of their own."""
    slip_until: str | None
    """Until when the code of a slip is valid that was made for it."""
