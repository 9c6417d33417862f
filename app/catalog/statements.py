"""Statements of responsibility as Chinese catalogues write them: ``(清)江永撰``, ``唐 慧菀述``."""

from __future__ import annotations

import re
from functools import lru_cache

from app.catalog.dates import DYNASTIES
from app.catalog.description import Agent

ROLES = {
    "撰": "author", "著": "author", "作": "author", "述": "author", "譔": "author",
    "编": "editor", "編": "editor", "輯": "compiler", "辑": "compiler", "纂": "compiler",
    "修": "editor", "集": "compiler", "錄": "compiler", "录": "compiler",
    "譯": "translator", "译": "translator", "注": "annotator", "註": "annotator",
    "疏": "annotator", "校": "proofreader", "評": "commentator", "评": "commentator",
    "绘": "illustrator", "繪": "illustrator", "書": "calligrapher", "书": "calligrapher",
    "刻": "engraver", "序": "author of preface",
}  # fmt: skip

_PREFIX = re.compile(r"^[\s]*[(（\[［〔]\s*([^)）\]］〕]{1,8})\s*[)）\]］〕]\s*")
_SPACED = re.compile(rf"^({'|'.join(sorted(DYNASTIES, key=len, reverse=True))})\s+(?=\S)")
_ROLE = re.compile(rf"(?:等)?(?:[{''.join(ROLES)}]{{1,3}})$")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")


@lru_cache(maxsize=65_536)
def agent_of(written: str, role: str = "author") -> Agent | None:
    """The agent that a statement names; ``None`` for an empty one. The statement is kept."""
    statement = written.strip()
    if not statement:
        return None
    if not _HAN.search(statement):
        return Agent(name=statement, role=role)
    rest, dynasty = _without_dynasty(statement)
    match = _ROLE.search(rest)
    if match and match.start() >= 2:
        role = ROLES[match[0].removeprefix("等")[0]]
        rest = rest[: match.start()].rstrip()
    name = rest or statement
    return Agent(
        name=name, role=role, dynasty=dynasty, written=statement if name != statement else ""
    )


def _without_dynasty(statement: str) -> tuple[str, str]:
    for pattern in (_PREFIX, _SPACED):
        if match := pattern.match(statement):
            return statement[match.end() :].strip(), match[1]
    return statement, ""
