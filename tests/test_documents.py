"""What the documents say is there, is there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.config import PREFIX, Settings
from app.web.health import ANSWERS, LATENCY

TOP = Path(__file__).parents[1]
DOCUMENTS = sorted([TOP / "README.md", TOP / "CONTRIBUTING.md", *(TOP / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def text(name: str) -> str:
    """A document by its path in the repository."""
    return (TOP / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(TOP).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert not [link for link in links if not (document.parent / link).exists()]


def test_every_setting_is_explained() -> None:
    said = text("docs/operations/settings.md")
    names = {PREFIX + field.name.upper() for field in fields(Settings) if field.name != "s3"}
    assert not [name for name in names if f"`{name}`" not in said]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_stands_in_the_handbook_for_operators(language: str) -> None:
    said = text(f"docs/handbook/operators.{language}.md")
    assert not [name for name in COMMANDS if not re.search(rf"`(kaijuan )?{name}\b", said)]


def test_every_metric_is_explained() -> None:
    said = text("docs/operations/watch.md")
    names = {metric._name for metric in (LATENCY, ANSWERS)}
    assert not [name for name in names if f"`{name}" not in said]


def test_decisions_are_numbered_without_gaps_or_doubles() -> None:
    numbers = sorted(int(path.name[:4]) for path in (TOP / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
