"""What a file is, by what is in it and not by its name."""

import re

from app.publications.archives import Archive
from app.publications.encodings import utf16_without_mark
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.mediatypes import RASTER, by_name
from app.publications.models import Format
from app.publications.source import Source

HEAD = 4096
UNSUPPORTED = (
    (0, b"Rar!", "RAR/CBR"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z/CB7"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"ITSF", "CHM"),
    (0, b"ITOLITLS", "LIT"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ", "xz"),
    (0, b"\xd0\xcf\x11\xe0", "DOC"),
    (0, b"{\\rtf", "RTF"),
    (0, b"\x7fELF", "program"),
    (0, b"MZ", "program"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"\x89PNG", "image"),
    (0, b"GIF8", "image"),
    (0, b"CAJ", "CAJ"),
    (0, b"HN\x00\x00", "CAJ"),
    (0, b"KDH", "KDH"),
    (0, b"SQLite format 3", "database"),
    (8, b"WEBP", "image"),
    (4, b"ftyp", "video"),
    (60, b"BOOKMOBI", "MOBI/AZW"),
    (60, b"TEXtREAd", "PDB"),
    (60, b"TPZ", "Topaz"),
    (257, b"ustar", "tar/CBT"),
)
FICTIONBOOK = re.compile(rb"<(?:\w+:)?FictionBook[\s>]")
HTML = re.compile(rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
XML = re.compile(rb"^\s*<\?xml|^\s*<!DOCTYPE|^\s*<(?:\w+:)?\w+[^>]*\sxmlns", re.IGNORECASE)
CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
ZIP_START = (b"PK\3\4", b"PK\5\6")
MOST_BINARY = 0.02


def sniff(source: Source, limits: Limits) -> Format:
    """The format of a file. Raises RefusedError, naming the kind where it is known."""
    if not source.size:
        raise RefusedError("empty")
    head = source.read_at(0, HEAD)
    if b"%PDF-" in head[:1024]:
        return Format.PDF
    if head.startswith(ZIP_START):
        return _in_archive(source, limits)
    for offset, magic, kind in UNSUPPORTED:
        if head.startswith(magic, offset):
            raise RefusedError("kind-unsupported", kind)
    return _text(head) or _in_archive_after_prefix(source, limits)


def _text(head: bytes) -> Format | None:
    """What a file of characters is; None for bytes that are none."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or bool(utf16_without_mark(head))
    if wide:
        head = head.replace(b"\x00", b"")
    if FICTIONBOOK.search(head):
        raise RefusedError("kind-unsupported", "FB2")
    if HTML.search(head):
        return Format.HTML
    if XML.search(head):
        raise RefusedError("kind-unsupported", "SVG" if b"<svg" in head else "XML")
    if not wide and (b"\x00" in head or len(CONTROL.findall(head)) > MOST_BINARY * len(head)):
        return None
    return Format.TXT


def _in_archive_after_prefix(source: Source, limits: Limits) -> Format:
    """Archives may follow other bytes; anything else is unknown."""
    try:
        return _in_archive(source, limits)
    except RefusedError as refused:
        raise RefusedError("kind-unknown") from refused


def _in_archive(source: Source, limits: Limits) -> Format:
    archive = Archive(source, limits, Report(0))
    mimetype = (archive.read("mimetype") or b"").strip()
    paths = [member.path for member in archive.members]
    lower = [path.lower() for path in paths]
    if mimetype == b"application/epub+zip" or "meta-inf/container.xml" in lower:
        return Format.EPUB
    if any(path.endswith(".opf") for path in lower):
        return Format.EPUB
    if mimetype.startswith(b"application/vnd.") or "[content_types].xml" in lower:
        raise RefusedError("kind-unsupported", "office document")
    if any(path.endswith(".fb2") for path in lower):
        raise RefusedError("kind-unsupported", "FB2")
    images = sum(by_name(path) in RASTER for path in paths)
    if images and images * 2 >= len(paths):
        return Format.CBZ
    raise RefusedError("kind-unsupported", "ZIP")
