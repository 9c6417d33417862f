"""Plain text of documents, and the file in which it is kept by chapter."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from app.publications.markup import first, whole_text
from app.publications.models import Chapter, ChapterText, Examination

TEXT_FILE = "text"
OPENING = 2000
LEVEL = 1  # the levels above cost three times the time for a tenth of the size
BREAK = "\u2028"
BLOCKS = (
    "address article aside blockquote body br caption center dd div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr hgroup legend li main nav ol p pre section "
    "table tbody td tfoot th thead tr ul title"
)
SILENT = ("script", "style", "rt", "rp", "head", "template", "metadata")
BLOCK_TAGS = tuple("{*}" + name for name in BLOCKS.split())
SILENT_TAGS = tuple("{*}" + name for name in SILENT)
CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
FOLDED_LINE = re.compile(rf"\n(?<=[{CJK}]\n)[ \t\n]*(?=[{CJK}])")  # literal first: fast


def plain_text(root: etree._Element) -> str:
    """The text of a document, one line a block. The tree is changed by it.

    Ruby readings are left out, so that the base text stays in one piece; a line folded between
    two Chinese characters leaves no blank.
    """
    body = first(root, "body")
    top = root if body is None else body
    for silent in list(top.iter(*SILENT_TAGS)):
        tail = silent.tail
        silent.clear()
        silent.tail = tail
    for block in top.iter(*BLOCK_TAGS):
        block.text = BREAK + (block.text or "")
        block.tail = BREAK + (block.tail or "")
    return _collapse(whole_text(top))


def heading(root: etree._Element) -> str | None:
    """What a document calls itself: its first heading, or else its title."""
    for name in ("h1", "h2", "h3", "title"):
        element = first(root, name)
        if element is not None and (text := " ".join(whole_text(element).split())):
            return text[:300]
    return None


def _collapse(text: str) -> str:
    text = FOLDED_LINE.sub("", text)
    lines = (" ".join(line.split()) for line in text.split(BREAK))
    return "\n".join(line for line in lines if line)


class TextWriter:
    """Writes chapters one after the other, each its own zlib stream, up to so many characters."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most
        self._offset = 0
        self.chapters: list[ChapterText] = []
        self.opening = ""
        self.cut = False

    def add(self, path: str, title: str | None, text: str) -> None:
        """Append a chapter; a chapter without text is noted too, for it may have a title."""
        if len(text) > self._left:
            self.cut = True
            text = text[: self._left]
        self._left -= len(text)
        data = zlib.compress(text.encode("utf-8", "replace"), LEVEL) if text else b""
        self._file.write(data)
        self.chapters.append(ChapterText(path, title, self._offset, len(data), len(text)))
        self._offset += len(data)
        if text and len(self.opening) < OPENING:
            self.opening = f"{self.opening}\n{text}".strip()[:OPENING]


def unpack_text(data: bytes) -> str:
    """The text of a chapter from its bytes in the text file."""
    return zlib.decompress(data).decode("utf-8") if data else ""


def read_chapters(folder: Path, examination: Examination) -> Iterator[Chapter]:
    """Every chapter with its text, one at a time, from the output folder of an examination."""
    if not examination.chapters:
        return
    with (folder / TEXT_FILE).open("rb") as file:
        for chapter in examination.chapters:
            file.seek(chapter.offset)
            yield Chapter(chapter.path, chapter.title, unpack_text(file.read(chapter.length)))
