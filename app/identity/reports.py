"""What an import of libraries, of their readers, or of what they have, did."""

from __future__ import annotations

import msgspec


class RefusedEntry(msgspec.Struct, frozen=True):
    """An entry that was refused."""

    place: str
    code: str
    message: str


class NetworkReport(msgspec.Struct):
    """How many entries were read, and what became of them."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[RefusedEntry] = []


class ReaderReport(msgspec.Struct, kw_only=True):
    """What an import of readers did; the result of ``kaijuan import readers --json``."""

    id: str | None = None
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    missing: int = 0
    """Open cards of the library that a file does not have which says that it holds all."""
    suspended: int = 0
    """Those of them that were suspended for it."""
    problems: list[RefusedEntry] = []


class ReadersUndone(msgspec.Struct):
    """What undoing an import of readers did."""

    removed: int = 0
    """Readers that it had added and nobody has claimed."""
    restored: int = 0
    kept: int = 0
    """Those that are their readers' by now."""
