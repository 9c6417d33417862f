"""What an import of readers did, and undoing one."""

from __future__ import annotations

import msgspec

from app import batches


class ReaderReport(batches.Report, kw_only=True):
    """What an import of readers did; the result of ``kaijuan import readers --json``."""

    id: str | None = None
    missing: int = 0
    """Open cards of the library that a file does not have which says that it holds all."""
    suspended: int = 0
    """Those of them that were suspended for it."""


class ReadersUndone(msgspec.Struct):
    """What undoing an import of readers did."""

    removed: int = 0
    """Readers that it had added and nobody has claimed."""
    restored: int = 0
    kept: int = 0
    """Those that are their readers' by now."""
