"""PDF: pages, text, outline and first page by PDFium; catalogue and XMP by pypdf.

PDFium is not thread-safe: one document at a time in a process.
"""

import logging
import time
from collections.abc import Iterator
from itertools import islice

import pypdf
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject, StreamObject

from app.publications.covers import TALLEST, WIDTHS
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.markup import parse_xml, text_of
from app.publications.mediatypes import PDF
from app.publications.models import Agent, Entry, Format, Link, Publication, TocEntry
from app.publications.output import Output
from app.publications.paths import HIDDEN
from app.publications.source import Source
from app.publications.text import TEXT_FILE, TextWriter
from app.publications.tocs import Line, nested

PATH = "publication.pdf"
DEPTH = 12
MOST_TITLE = 500
MOST_XMP = 1024 * 1024
FAULTS = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError)

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def examine_pdf(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    """Everything that can be read of a PDF. Raises RefusedError without a readable page."""
    document = _open(source)
    pages = len(document)
    if not pages:
        raise RefusedError("pdf-broken", "0 pages")
    if pages > limits.pages:
        raise RefusedError("too-many-pages", str(pages))
    with output.create(TEXT_FILE) as file:
        writer = TextWriter(file, limits.text_characters)
        _write_text(document, writer, limits, report)
    publication = _publication(document, source, limits, report)
    crc = source.crc32()
    entry = Entry(PATH, 0, source.size, source.size, crc, method=0, media_type=PDF)
    cover = _first_page(document, report)
    return Examined(publication, (entry,), tuple(writer.chapters), writer.opening, cover)


def page_path(page: int) -> str:
    """The place of a page, counted from one (RFC 8118, 3)."""
    return f"{PATH}#page={page}"


def _open(source: Source) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(source.as_file(), autoclose=True)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise RefusedError("pdf-password" if locked else "pdf-broken", str(error)) from error


def _write_text(
    document: pypdfium2.PdfDocument, writer: TextWriter, limits: Limits, report: Report
) -> None:
    """The text of every page, as far as time allows."""
    deadline = time.process_time() + limits.text_seconds
    characters = 0
    for index in range(len(document)):
        if time.process_time() > deadline or writer.cut:
            report.add("text-cut", f"page {index + 1}")
            break
        text = _page_text(document, index, report)
        characters += len(text)
        writer.add(page_path(index + 1), None, text)
    if not characters:
        report.add("pdf-no-text")


def _page_text(document: pypdfium2.PdfDocument, index: int, report: Report) -> str:
    try:
        page = document[index]
        text_page = page.get_textpage()
        try:
            text = str(text_page.get_text_range())
        finally:
            text_page.close()
            page.close()
    except pypdfium2.PdfiumError:
        report.add("pdf-page", f"page {index + 1}")
        return ""
    lines = (" ".join(line.split()) for line in text.replace("\x02", "").splitlines())
    return "\n".join(line for line in lines if line)


def _first_page(document: pypdfium2.PdfDocument, report: Report) -> Image.Image | None:
    """A picture of the first page, as wide as the widest cover."""
    widest = WIDTHS[-1]
    try:
        page = document[0]
        width, height = page.get_size()
        scale = min(widest / max(width, 1), widest * TALLEST / max(height, 1))
        image = page.render(scale=scale, may_draw_forms=False).to_pil()
        page.close()
    except (pypdfium2.PdfiumError, ValueError) as error:
        report.add("cover-broken", str(error))
        return None
    return image if isinstance(image, Image.Image) else None


def _publication(
    document: pypdfium2.PdfDocument, source: Source, limits: Limits, report: Report
) -> Publication:
    known = {key: _clean(value, report) for key, value in document.get_metadata_dict().items()}
    catalogue = _Catalogue(source, report)
    title = catalogue.first("title") or known.get("Title") or None
    if not title:
        report.add("title-missing")
    names = catalogue.all("creator") or tuple(filter(None, [known.get("Author")]))
    subjects = catalogue.all("subject") or _words(known.get("Keywords", ""))
    return Publication(
        format=Format.PDF,
        media_type=PDF,
        title=title,
        agents=tuple(Agent(name) for name in names),
        languages=catalogue.all("language") or catalogue.language,
        publisher=catalogue.first("publisher"),
        description=catalogue.first("description") or known.get("Subject") or None,
        subjects=subjects,
        rights=catalogue.first("rights"),
        reading_order=(Link(PATH, PDF, title),),
        toc=_outline(document, limits, report),
        layout="fixed",
        cover=page_path(1),
        page_count=len(document),
    )


def _outline(
    document: pypdfium2.PdfDocument, limits: Limits, report: Report
) -> tuple[TocEntry, ...]:
    try:
        lines = list(islice(_lines(document, report), limits.toc_entries))
    except (pypdfium2.PdfiumError, ValueError):
        report.add("pdf-outline")
        return ()
    return nested(lines)


def _lines(document: pypdfium2.PdfDocument, report: Report) -> Iterator[Line]:
    for bookmark in document.get_toc(max_depth=DEPTH):
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        title = _clean(bookmark.get_title(), report)[:MOST_TITLE]
        fragment = None if page is None else f"page={page + 1}"
        if title:
            yield Line(bookmark.level, title, PATH if fragment else None, fragment)


class _Catalogue:
    """The document catalogue and its XMP packet; empty where pypdf cannot read them."""

    def __init__(self, source: Source, report: Report) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        self.language: tuple[str, ...] = ()
        self._report = report
        try:
            with pypdf.PdfReader(source.as_file(), strict=False) as reader:
                if not reader.is_encrypted or reader.decrypt(""):
                    self._read(reader.root_object)
        except (*FAULTS, RecursionError):
            return

    def first(self, name: str) -> str | None:
        """The first value of a Dublin Core element of the XMP packet."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a Dublin Core element of the XMP packet."""
        return self._values.get(name, ())

    def _read(self, root: DictionaryObject) -> None:
        names = root.get("/Names")
        scripts = isinstance(names, DictionaryObject) and "/JavaScript" in names
        if scripts or "/OpenAction" in root or "/AA" in root:
            self._report.add("pdf-actions")
        language = root.get("/Lang")
        self.language = (str(language),) if language else ()
        packet = root.get("/Metadata")
        packet = packet.get_object() if packet is not None else None
        if isinstance(packet, StreamObject):
            self._read_xmp(packet.get_data()[:MOST_XMP])

    def _read_xmp(self, data: bytes) -> None:
        parsed = parse_xml(data)
        for element in parsed.root.iter("{http://purl.org/dc/elements/1.1/}*") if parsed else ():
            items = list(element.iter("{*}li")) or [element]
            values = (_clean(text_of(item), self._report) for item in items)
            name = str(element.tag).rpartition("}")[2]
            self._values.setdefault(name, tuple(dict.fromkeys(v for v in values if v)))


def _words(keywords: str) -> tuple[str, ...]:
    """Keywords as they are usually written: separated by semicolons or commas."""
    separator = ";" if ";" in keywords else ","
    words = (word.strip() for word in keywords.replace("；", ";").split(separator))
    return tuple(dict.fromkeys(word for word in words if word))


def _clean(text: str, report: Report) -> str:
    if HIDDEN.search(text):
        report.add("metadata-characters", ascii(text[:60])[1:-1])
        text = HIDDEN.sub("", text)
    return " ".join(text.split())
