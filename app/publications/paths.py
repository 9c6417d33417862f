"""Names inside archives: which are safe, and what a reference in a book points to."""

import re
import unicodedata
from posixpath import dirname, normpath
from urllib.parse import unquote_to_bytes

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
SLASH_ALIKE = re.compile("[\u2044\u2215\u29f8\uff0f\uff3c]")


def decode_name(raw: bytes, is_utf8: bool) -> tuple[str, bool]:
    """The name of an entry and whether it had to be guessed.

    Names without the UTF-8 flag are, in Chinese books, UTF-8 or GB18030 far more often than the
    CP437 of the specification (APPNOTE 6.3.10, D.1).
    """
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        pass
    if not is_utf8:
        try:
            return raw.decode("gb18030"), True
        except UnicodeDecodeError:
            pass
    return raw.decode("cp437"), True


def is_safe(path: str, *, depth: int) -> bool:
    """Whether a name stays inside its archive on every system and shows what it is."""
    parts = path.split("/")
    return (
        bool(path)
        and not HIDDEN.search(path)
        and "\\" not in path
        and not SLASH_ALIKE.search(path)
        and not SCHEME.match(path)
        and len(parts) <= depth
        and all(part not in ("", ".", "..") for part in parts)
    )


def fold(path: str) -> str:
    """The form in which names are compared when they are not equal: NFC, without case."""
    return unicodedata.normalize("NFC", path).casefold()


def is_remote(href: str) -> bool:
    """Whether a reference has a scheme or a host: nothing in the archive."""
    return bool(SCHEME.match(href)) or href.startswith("//")


def resolve(base: str, href: str) -> tuple[str, str | None] | None:
    """Path and fragment that ``href`` in the document ``base`` means; None outside the archive.

    A path that begins with a slash begins at the root of the archive. Percent-codes are decoded as
    UTF-8, or as GB18030 where that fails.
    """
    target, _, fragment = href.strip().partition("#")
    target = target.partition("?")[0]
    if is_remote(target):
        return None
    anchor = _unquote(fragment) if fragment else None
    if not target:
        return base, anchor
    decoded = _unquote(target).replace("\\", "/")
    if decoded.startswith("//") or SCHEME.match(decoded):
        return None
    if decoded.startswith("/"):
        base, decoded = "", decoded[1:]
    path = normpath(f"{dirname(base)}/{decoded}" if dirname(base) else decoded)
    if path == ".." or path.startswith("../") or HIDDEN.search(path):
        return None
    return path, anchor


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
