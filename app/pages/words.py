"""What the faces say: Chinese first, English second, in one table (``words.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec


class Language(StrEnum):
    """The languages of the faces."""

    CHINESE = "zh"
    ENGLISH = "en"


TABLE: dict[str, tuple[str, str]] = msgspec.json.decode(
    Path(__file__).with_name("words.json").read_bytes(), type=dict[str, tuple[str, str]]
)


@dataclass(frozen=True, slots=True)
class Words:
    """The table in one language: ``words("search.total", n=3)``."""

    language: Language

    @property
    def tag(self) -> str:
        """The language as an HTML ``lang`` attribute names it (BCP 47)."""
        return "zh-Hans" if self.language is Language.CHINESE else "en"

    def __call__(self, key: str, **values: Any) -> str:
        """The words under ``key``.

        :raises KeyError: for a key that is not in the table.
        """
        text = TABLE[key][self.language is Language.ENGLISH]
        return text.format(**values) if values else text

    def remedy(self, reason: str, about: Mapping[str, str], otherwise: str) -> str:
        """What would help where a use is refused; ``otherwise`` for a reason without words here."""
        return self.of("remedy", reason, otherwise).format_map(about)

    def all_of(self, group: str) -> dict[str, str]:
        """The words of a group by their names."""
        start = f"{group}."
        return {key[len(start) :]: self(key) for key in TABLE if key.startswith(start)}

    def of(self, group: str, name: str, otherwise: str | None = None) -> str:
        """The words under ``group.name``; ``otherwise``, or the name, when there are none."""
        pair = TABLE.get(f"{group}.{name}")
        if pair is None:
            return name if otherwise is None else otherwise
        return pair[self.language is Language.ENGLISH]
