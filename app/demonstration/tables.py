"""The tables the demonstration's records are written in: a line a record, fields between bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "catalogue"
_LANGUAGES = {"s": "zh-Hans", "t": "zh-Hant"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table. ``depth`` counts its ``+``: it belongs to the last row one less deep."""

    depth: int
    title: str
    other_titles: tuple[str, ...]
    creators: tuple[str, ...]
    date: str
    language: str
    classes: tuple[str, ...]
    description: str


def rows(name: str) -> Iterator[Row]:
    """The rows of a table, in order."""
    for line in _lines(name):
        text = line.lstrip("+")
        title, creators, date, language, classes, description = _fields(text, 6)
        first, *others = (part.strip() for part in title.split(" = "))
        yield Row(
            depth=len(line) - len(text),
            title=first,
            other_titles=tuple(others),
            creators=_list(creators),
            date=date,
            language=_LANGUAGES.get(language, language),
            classes=_list(classes),
            description=description,
        )


def classes() -> dict[str, str]:
    """The classes that the records stand in: name by notation, broader ones first."""
    return dict(sorted((code, name) for code, name in (_fields(x, 2) for x in _lines("classes"))))


def _lines(name: str) -> Iterator[str]:
    with (FOLDER / f"{name}.txt").open(encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def _fields(text: str, count: int) -> list[str]:
    fields = [field.strip() for field in text.split("|")]
    if len(fields) != count:
        raise ValueError(f"{count} fields are wanted, not {len(fields)}: {text}")
    return fields


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("；", ";").split(";") if part.strip())
