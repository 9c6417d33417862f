"""The handbook's Markdown as chapters of XHTML: CommonMark with tables, cut at its headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its heading, the XHTML of its body with it, and the sections inside it.

    ``sections`` are (anchor, heading) pairs of the level below.
    """

    title: str
    body: str
    sections: tuple[tuple[str, str], ...] = ()


def chapters(text: str) -> tuple[Chapter, ...]:
    """What stands before the first ``##`` under the ``#`` heading, then a chapter for each ``##``.

    :raises ValueError: when the text does not begin with a ``#`` heading.
    """
    parser = MarkdownIt("commonmark", {"xhtmlOut": True, "html": False}).enable("table")
    tokens = parser.parse(text)
    if not tokens or tokens[0].tag != "h1":
        raise ValueError("a volume begins with its title as a # heading")
    starts = [0, *(i for i, t in enumerate(tokens) if t.type == "heading_open" and t.tag == "h2")]
    return tuple(
        _chapter(parser, tokens[start:end])
        for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True)
    )


def _chapter(parser: MarkdownIt, tokens: Sequence[Token]) -> Chapter:
    sections: list[tuple[str, str]] = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h3":
            anchor = f"s{len(sections) + 1}"
            token.attrSet("id", anchor)
            sections.append((anchor, _plain(inline.content)))
    body: str = parser.renderer.render(list(tokens), parser.options, {})
    return Chapter(_plain(tokens[1].content), body, tuple(sections))


def _plain(inline: str) -> str:
    """A heading without the marks of code and emphasis."""
    return re.sub(r"[`*]", "", inline).strip()
