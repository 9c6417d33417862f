"""What people are asked to agree to: short texts, Chinese first, whose version is their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

VERSION_LENGTH = 12
LANGUAGES = ("zh", "en")
_TEXTS = Path(__file__).with_name("texts")


class Purpose(StrEnum):
    """What a consent is for; each has a text of its own."""

    TERMS = "terms"
    PRIVACY = "privacy"
    REAL_NAME = "real-name"
    GUARDIAN = "guardian"


TO_SIGN_UP = (Purpose.TERMS, Purpose.PRIVACY)
"""What an account cannot be had without; withdrawing it is closing the account."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document in one language: headings begin with ``# ``, everything else is a paragraph."""

    title: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document in every language; ``version`` changes with any of its words."""

    purpose: Purpose
    version: str
    texts: Mapping[str, Text]

    @property
    def address(self) -> str:
        """Where it can be read."""
        is_main = self.purpose in TO_SIGN_UP
        return f"/{self.purpose}" if is_main else f"/privacy/{self.purpose}"


def _document(purpose: Purpose) -> Document:
    kept = {one: (_TEXTS / f"{purpose}.{one}.txt").read_text("utf-8") for one in LANGUAGES}
    version = sha256("\0".join(kept.values()).encode()).hexdigest()[:VERSION_LENGTH]
    texts = {language: _text(words) for language, words in kept.items()}
    return Document(purpose, version, texts)


def _text(words: str) -> Text:
    title, *blocks = words.strip().split("\n\n")
    return Text(title, tuple(blocks))


DOCUMENTS: Mapping[str, Document] = {purpose.value: _document(purpose) for purpose in Purpose}


def agreed(*purposes: Purpose) -> dict[str, str]:
    """These purposes with the versions of now, as who agrees to them says it."""
    return {purpose.value: DOCUMENTS[purpose].version for purpose in purposes}
