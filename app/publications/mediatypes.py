"""Media types by our own table: what a book claims is not believed, and nothing served is active.

Scripts and programs become plain text or bytes. HTML and SVG stay what they are, since a book is
made of them; delivery sends them sandboxed.
"""

from posixpath import splitext

XHTML = "application/xhtml+xml"
HTML = "text/html"
SVG = "image/svg+xml"
NCX = "application/x-dtbncx+xml"
DTBOOK = "application/x-dtbook+xml"
PDF = "application/pdf"
EPUB = "application/epub+zip"
CBZ = "application/vnd.comicbook+zip"
BYTES = "application/octet-stream"

BY_EXTENSION = {
    "xhtml": XHTML, "xht": XHTML, "html": XHTML, "htm": XHTML,
    "svg": SVG, "svgz": BYTES, "ncx": NCX, "opf": "application/oebps-package+xml",
    "css": "text/css", "txt": "text/plain", "md": "text/plain", "js": "text/plain",
    "mjs": "text/plain", "json": "application/json", "xml": "application/xml",
    "smil": "application/smil+xml", "pls": "application/pls+xml", "vtt": "text/vtt",
    "ttml": "application/ttml+xml", "srt": "text/plain",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "png": "image/png",
    "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "jxl": "image/jxl",
    "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff",
    "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
    "woff": "font/woff", "woff2": "font/woff2",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg",
    "oga": "audio/ogg", "opus": "audio/ogg", "wav": "audio/wav", "flac": "audio/flac",
    "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg",
    "mov": "video/quicktime", "pdf": PDF,
}  # fmt: skip
# What a manifest may say of a file whose extension we do not know.
TRUSTED_CLAIMS = frozenset({XHTML, SVG, NCX, DTBOOK, "text/css", "text/x-oeb1-document"})
CLAIMED_DOCUMENTS = {"text/x-oeb1-document": XHTML, HTML: XHTML}
MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", PDF),
    (b"OTTO", "font/otf"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
)
RASTER = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"})
DOCUMENTS = frozenset({XHTML, HTML, SVG, DTBOOK})


def by_name(path: str, claimed: str | None = None) -> str:
    """The type of a file by its extension, or by a harmless claim where that says nothing."""
    known = BY_EXTENSION.get(splitext(path)[1][1:].lower())
    if claimed is None:
        return known or BYTES
    claimed = claimed.strip().lower()
    claimed = CLAIMED_DOCUMENTS.get(claimed, claimed)
    if claimed in TRUSTED_CLAIMS and known in (None, "application/xml", "text/plain"):
        return claimed
    return known or BYTES


def by_content(head: bytes) -> str | None:
    """The type that the first bytes of a file betray, if they do."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return "image/avif" if head[8:12] in (b"avif", b"avis") else "video/mp4"
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), None)


def needs_copy(media_type: str) -> bool:
    """Types whose readers ask for ranges, so that a deflated entry must be stored unpacked."""
    return media_type.startswith(("audio/", "video/")) or media_type == PDF
