"""Small publications made in code, for tests that read them back over HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

CONTAINER = (
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/p.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
PAGE = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body><h1>{0}</h1>'
    '<img src="cover.png" alt=""/>{1}</body></html>'
)
TYPES = {".xhtml": "application/xhtml+xml", ".png": "image/png", ".css": "text/css",
         ".mp3": "audio/mpeg", ".otf": "font/otf"}  # fmt: skip


def picture(width: int = 600, height: int = 800) -> bytes:
    """A PNG."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "PNG")
    return out.getvalue()


def epub(
    path: Path,
    *,
    title: str = "开卷小书",
    level: int = 6,
    chapters: int = 2,
    identifier: str = "urn:x:1",
    more: Mapping[str, bytes] | None = None,
    beside: Mapping[str, str] | None = None,
) -> Path:
    """An EPUB of so many chapters with a cover, deflated at ``level``.

    ``more`` are resources by name, ``beside`` other entries of the archive by path.
    """
    names = [f"第{n}章.xhtml" for n in range(1, chapters + 1)]
    files = {"cover.png": picture(), **(more or {})}
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="{TYPES[Path(name).suffix]}"'
        f"{' properties=' + chr(34) + 'cover-image' + chr(34) if name == 'cover.png' else ''}/>"
        for n, name in enumerate([*names, *files])
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(chapters))
    links = "".join(f'<li><a href="{name}">{Path(name).stem}</a></li>' for name in names)
    nav = f'<nav xmlns:e="http://www.idpf.org/2007/ops" e:type="toc"><ol>{links}</ol></nav>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>佚名</dc:creator>'
        f'<dc:identifier id="id">{identifier}</dc:identifier><dc:title>{title}</dc:title>'
        '<dc:language>zh</dc:language></metadata><manifest><item id="nav" href="nav.xhtml" '
        f'properties="nav" media-type="application/xhtml+xml"/>{items}</manifest>'
        f"<spine>{spine}</spine></package>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/p.opf", package)
        archive.writestr("OEBPS/nav.xhtml", PAGE.format("目录", nav))
        for name in names:
            text = "".join(f"<p>{Path(name).stem}，第{n}段。</p>" for n in range(300))
            archive.writestr(f"OEBPS/{name}", PAGE.format(Path(name).stem, text))
        for name, data in files.items():
            stored = zipfile.ZIP_STORED if name == "cover.png" else None
            archive.writestr(f"OEBPS/{name}", data, stored)
        for name, text in (beside or {}).items():
            archive.writestr(name, text)
    return path
