"""What an import of libraries, or of what they have, did."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True):
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
    problems: list[Problem] = []
