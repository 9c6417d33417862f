"""Tables of contents from lines with a depth."""

from collections.abc import Sequence
from typing import NamedTuple

from app.publications.models import TocEntry


class Line(NamedTuple):
    """One line; ``level`` counts from zero and may skip."""

    level: int
    title: str
    path: str | None
    fragment: str | None = None


def nested(lines: Sequence[Line]) -> tuple[TocEntry, ...]:
    """The tree of the lines: each belongs to the nearest one above it that is less deep."""
    open_lines: list[tuple[Line, list[TocEntry]]] = []
    top: list[TocEntry] = []

    def close(level: int) -> None:
        while open_lines and open_lines[-1][0].level >= level:
            line, children = open_lines.pop()
            entry = TocEntry(line.title, line.path, line.fragment, tuple(children))
            (open_lines[-1][1] if open_lines else top).append(entry)

    for line in lines:
        close(line.level)
        open_lines.append((line, []))
    close(0)
    return tuple(top)
