"""A measure's result: ours, its control, the ratio, what is to be reached; and the table."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import msgspec


class CannotRunError(Exception):
    """A measure, or its control, cannot run here; the message says what is missing."""


class Goal(msgspec.Struct, frozen=True):
    """What is to be reached: at least, or at most, so much."""

    least: float | None = None
    most: float | None = None
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Whether the value reaches it."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    def __str__(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}{self.unit}"
        return f"≤ {self.most:g}{self.unit}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table.

    ``value`` is what the goal judges: a ratio to the control, a growth factor or a figure by
    itself. ``cpu`` is the same ratio by processor time, which other work on the machine does not
    move. A row without a goal is a figure; one with a goal and no value counts as missed.
    """

    measure: str
    ours: str = ""
    control: str = ""
    value: float | None = None
    cpu: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """``None`` for a figure that nothing judges."""
        if self.goal is None:
            return None
        return self.value is not None and self.goal.is_met(self.value)


def missed(measure: str, goal: Goal | None, reason: str, ours: str = "") -> Row:
    """The row of a measure that cannot run."""
    return Row(measure=measure, ours=ours, goal=goal or Goal(least=0), note=f"cannot run: {reason}")


_HEADS = ("", "measure", "ours", "control", "value", "by CPU", "to reach")


def table(rows: Sequence[Row]) -> str:
    """The rows for a person, notes below the lines they belong to."""
    cells = [_HEADS, *map(_cells, rows)]
    widths = [max(_width(line[i]) for line in cells) for i in range(len(_HEADS))]
    lines = [_line(_HEADS, widths), "  ".join("─" * width for width in widths)]
    for row, line in zip(rows, cells[1:], strict=True):
        lines.append(_line(line, widths))
        if row.note:
            lines.append(" " * (widths[0] + 2) + f"  ({row.note})")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    sign = {True: "✓", False: "✗", None: "·"}[row.is_met]
    numbers = ("" if n is None else f"{n:.3g}" for n in (row.value, row.cpu))
    return (sign, row.measure, row.ours, row.control, *numbers, str(row.goal or ""))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (c + " " * (w - _width(c)) for c, w in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
