"""Real EPUB 3 books made of the handbook in ``docs/``: the same bytes for the same source."""

from __future__ import annotations

import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ebooklib import epub

from app.demonstration.covers import draw_cover
from app.demonstration.markdown import Chapter, chapters
from app.demonstration.volumes import CREATOR, LICENCE, Volume

NAMESPACE = uuid.UUID("2f0b6b0e-5f0d-5c1e-8d43-8f2f5f6a9c51")
MADE = datetime(2026, 1, 1, tzinfo=UTC)
"""The time in every entry: a book says when it was written by its date."""
_STYLES = Path(__file__).parent / "styles"


class HandbookMissingError(Exception):
    """The Markdown of the handbook is neither in the checkout nor in the package."""


def handbook() -> Path:
    """The folder of the handbook: packed beside this module, else ``docs/`` of the checkout.

    :raises HandbookMissingError: when it is in neither place.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "handbook", here.parents[1] / "docs" / "handbook"):
        if folder.is_dir():
            return folder
    raise HandbookMissingError("docs/handbook was not found")


def build(volume: Volume, source: Path, folder: Path) -> Path:
    """Makes the volume's EPUB from the Markdown in ``source``; returns the file in ``folder``."""
    text = (source / f"{volume.name}.md").read_text(encoding="utf-8")
    book = _book(volume, text)
    style = epub.EpubItem("style", "style.css", "text/css", _style(volume))
    book.add_item(style)
    for number, chapter in enumerate(chapters(text)):
        _add(book, volume, chapter, number, style)
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    return _write(book, folder / volume.filename)


def _book(volume: Volume, text: str) -> epub.EpubBook:
    book = epub.EpubBook()
    book.set_identifier(f"urn:uuid:{uuid.uuid5(NAMESPACE, volume.name + text)}")
    book.set_title(volume.title)
    book.set_language(volume.language)
    book.add_author(volume.creator)
    for name, value in (
        ("publisher", CREATOR),
        ("date", volume.date),
        ("description", volume.description),
        ("rights", LICENCE),
        ("subject", f"clc:{volume.subject}"),
        *(("subject", keyword) for keyword in volume.keywords),
    ):
        book.add_metadata("DC", name, value)
    if volume.is_vertical:
        book.set_direction("rtl")
    book.set_cover("cover.jpg", draw_cover(volume), create_page=False)
    return book


def _style(volume: Volume) -> bytes:
    names = ["book.css", "vertical.css"] if volume.is_vertical else ["book.css"]
    return b"\n".join((_STYLES / name).read_bytes() for name in names)


def _add(
    book: epub.EpubBook, volume: Volume, chapter: Chapter, number: int, style: epub.EpubItem
) -> None:
    page = epub.EpubHtml(
        uid=f"chapter-{number}",
        title=chapter.title,
        file_name=f"chapter-{number}.xhtml",
        lang=volume.language,
    )
    page.content = chapter.body
    page.add_item(style)
    book.add_item(page)
    book.spine.append(page)
    here = epub.Link(page.file_name, chapter.title, page.id)
    below = [
        epub.Link(f"{page.file_name}#{anchor}", title, f"{page.id}-{anchor}")
        for anchor, title in chapter.sections
    ]
    book.toc.append((here, below) if below else here)


def _write(book: epub.EpubBook, path: Path) -> Path:
    """The library stamps entries with the time of day, so they are put into an archive anew."""
    with TemporaryDirectory(prefix="kaijuan-demo-") as folder:
        stamped = Path(folder, "stamped.epub")
        epub.write_epub(str(stamped), book, {"mtime": MADE, "raise_exceptions": True})
        with zipfile.ZipFile(stamped) as old, zipfile.ZipFile(path, "w") as new:
            for name in ["mimetype", *sorted(set(old.namelist()) - {"mimetype"})]:
                is_plain = name == "mimetype" or name.endswith(".jpg")
                method = zipfile.ZIP_STORED if is_plain else zipfile.ZIP_DEFLATED
                entry = zipfile.ZipInfo(name, MADE.timetuple()[:6])
                new.writestr(entry, old.read(name), method, 9)
    return path
