"""HTML pages: decoded, cleaned of all that acts or fetches, and made into an EPUB."""

import re
from copy import deepcopy

import nh3
from lxml import etree

from app.publications.encodings import decode_text
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.made import Part, Sketch, write_epub
from app.publications.markup import first, parse_html, text_of
from app.publications.mediatypes import HTML
from app.publications.models import Format
from app.publications.output import Output
from app.publications.paths import HIDDEN
from app.publications.remade import remade
from app.publications.source import Source
from app.publications.stylesheets import clean_css

CHARSET = re.compile(rb"""charset\s*=\s*["']?([A-Za-z0-9_\-]+)""", re.IGNORECASE)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
HEAD = 4096
TAGS = nh3.ALLOWED_TAGS - {"map", "area"} | {"section", "main", "big", "u"}
ATTRIBUTES = deepcopy(nh3.ALLOWED_ATTRIBUTES) | {"*": {"id", "class", "lang", "dir", "title"}}


def examine_html(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    """A page as an EPUB. Raises RefusedError for one that is too large or empty."""
    if source.size > limits.parse_bytes:
        raise RefusedError("file-large", f"{source.size} bytes")
    data = source.read_at(0, source.size)
    declared = CHARSET.search(data[:HEAD])
    decoded = decode_text(data, declared[1].decode() if declared else None)
    if decoded.losses:
        report.add("encoding-losses", str(decoded.losses))
    root = parse_html(decoded.text.encode(), "utf-8")
    if root is None:
        raise RefusedError("nothing-to-read")
    write_epub(_sketch(root, decoded.text, source, report), output)
    return remade(output, limits, report, Format.HTML, HTML)


def _sketch(root: etree._Element, text: str, source: Source, report: Report) -> Sketch:
    title = first(root, "title")
    name = HIDDEN.sub("", text_of(title)) if title is not None else ""
    if not name:
        report.add("title-missing", source.name)
        name = source.name
    style = "\n".join(clean_css(str(e.text or "")) for e in root.iter("style"))
    body, headings = _clean_body(text, report)
    language = str(root.get("lang") or "und")
    return Sketch(
        title=name,
        authors=tuple(filter(None, [_meta(root, "author")])),
        language=language if LANGUAGE.fullmatch(language) else "und",
        description=_meta(root, "description"),
        style=style,
        parts=[Part(name, body, headings)],
        sha256=source.sha256(),
    )


def _clean_body(text: str, report: Report) -> tuple[str, list[tuple[str, str]]]:
    """The cleaned body as XHTML, and anchor and text of its headings."""
    left_out: list[str] = []

    def keep(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src" and not DATA_IMAGE.fullmatch(value):
            left_out.append(value[:80])
            return None
        return value

    cleaned = nh3.clean(
        text,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "data"},
        clean_content_tags={"script", "style", "title", "head"} - TAGS,
    )
    for place in left_out:
        report.add("html-resources", place)
    root = parse_html(f"<html><body>{cleaned}</body></html>".encode(), "utf-8")
    body = first(root, "body") if root is not None else None
    if body is None:
        raise RefusedError("nothing-to-read")
    headings = []
    for number, heading in enumerate(body.iter("h1", "h2", "h3"), 1):
        anchor = str(heading.get("id") or f"heading-{number}")
        heading.set("id", anchor)
        if label := text_of(heading)[:300]:
            headings.append((anchor, label))
    parts = (etree.tostring(child, encoding="unicode", method="xml") for child in body)
    return (body.text or "") + "".join(parts) or "<p></p>", headings


def _meta(root: etree._Element, name: str) -> str | None:
    for element in root.iter("meta"):
        if str(element.get("name") or "").lower() == name:
            return HIDDEN.sub("", str(element.get("content") or "")).strip() or None
    return None
