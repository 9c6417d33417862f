"""Small EPUBs made in code."""

from __future__ import annotations

import zipfile
from pathlib import Path

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
TYPES = {".xhtml": "application/xhtml+xml", ".css": "text/css", ".svg": "image/svg+xml"}


def page(body: str, head: str = "") -> str:
    """A chapter."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" lang="zh">'
        f"<head><title>章</title>{head}</head><body>{body}</body></html>"
    )


def epub(
    path: Path,
    chapters: dict[str, str],
    *,
    title: str = "开卷小书",
    other: dict[str, str] | None = None,
) -> Path:
    """Writes an EPUB 3 of these chapters (name to XHTML) and other resources; returns ``path``."""
    other = other or {}
    nav = "".join(f'<li><a href="{name}">{name.split(".")[0]}</a></li>' for name in chapters)
    contents = page(
        f'<nav epub:type="toc" xmlns:epub="http://www.idpf.org/2007/ops"><ol>{nav}</ol></nav>'
    )
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="{TYPES[Path(name).suffix]}"/>'
        for n, name in enumerate([*chapters, *other])
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:x:{title}</dc:identifier><dc:title>{title}</dc:title>'
        "<dc:language>zh</dc:language><dc:creator>佚名</dc:creator></metadata><manifest>"
        '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
        f"{items}</manifest><spine>{spine}</spine></package>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/package.opf", package)
        archive.writestr("OEBPS/nav.xhtml", contents)
        for name, text in {**chapters, **other}.items():
            archive.writestr(f"OEBPS/{name}", text)
    return path
