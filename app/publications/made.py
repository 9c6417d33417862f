"""EPUBs made of files that are no books by themselves, the same bytes for the same content."""

import mimetypes
import uuid
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ebooklib import epub

from app.publications.output import Output

MADE = "made.epub"
SKETCH = "made.tmp"
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
NAMESPACE = uuid.UUID("6f1c2a52-5a3c-5f0e-9a63-2a6d1c1f7d10")
LEVEL = 6
STYLE = "body { line-height: 1.7 } p { margin: 0; text-indent: 2em } pre { white-space: pre-wrap }"


# ebooklib asks for types by name: Python's own table says them, not /etc/mime.types, which the
# confined child may not open and which differs from machine to machine.
mimetypes.knownfiles.clear()


class Part(NamedTuple):
    """A chapter: its title, and the XHTML of its body; ``lines`` are headings inside it."""

    title: str
    body: str
    lines: Sequence[tuple[str, str]] = ()


class Sketch(NamedTuple):
    """What the EPUB is made of; ``sha256`` of the original gives it its identifier."""

    title: str
    authors: Sequence[str]
    language: str
    description: str | None
    style: str
    parts: Sequence[Part]
    sha256: str


def write_epub(sketch: Sketch, output: Output) -> None:
    """Write ``made.epub`` into the output folder."""
    book = epub.EpubBook()
    book.set_identifier(f"urn:uuid:{uuid.uuid5(NAMESPACE, sketch.sha256)}")
    book.set_title(sketch.title)
    book.set_language(sketch.language)
    for number, author in enumerate(sketch.authors):
        book.add_author(author, uid=f"author-{number}")
    if sketch.description:
        book.add_metadata("DC", "description", sketch.description)
    style = epub.EpubItem("style", "style.css", "text/css", (sketch.style or STYLE).encode())
    book.add_item(style)
    toc: list[object] = []
    for number, part in enumerate(sketch.parts, 1):
        chapter = epub.EpubHtml(
            uid=f"c{number}", title=part.title, file_name=f"c{number}.xhtml", lang=sketch.language
        )
        chapter.content = part.body
        chapter.add_item(style)
        book.add_item(chapter)
        book.spine.append(chapter)
        toc.append(_line(chapter, part))
    book.toc = toc
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    _write(book, output)


def _line(chapter: epub.EpubHtml, part: Part) -> object:
    here = epub.Link(chapter.file_name, part.title, chapter.id)
    below = [
        epub.Link(f"{chapter.file_name}#{anchor}", title, f"{chapter.id}-{anchor}")
        for anchor, title in part.lines
    ]
    return (here, below) if below else here


def _write(book: epub.EpubBook, output: Output) -> None:
    """The library stamps entries with the time of day, so they are put into an archive anew."""
    with output.create(SKETCH):
        pass
    sketch = output.folder / SKETCH
    epub.write_epub(str(sketch), book, {"mtime": EPOCH, "raise_exceptions": True})
    with (
        output.create(MADE) as file,
        zipfile.ZipFile(file, "w") as made,
        zipfile.ZipFile(sketch) as stamped,
    ):
        for name in ["mimetype", *sorted(set(stamped.namelist()) - {"mimetype"})]:
            info = zipfile.ZipInfo(name, EPOCH.timetuple()[:6])
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            made.writestr(info, stamped.read(name), method, LEVEL)
    output.discard(SKETCH)
