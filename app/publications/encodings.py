"""Which encoding a Chinese text is in."""

from typing import NamedTuple

BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SAMPLE = 256 * 1024
READABLE = 0.05
# Marks and particles that any page of Chinese prose has; of a wrong decoding, almost none.
FREQUENT = frozenset(
    "的一是不了人我在有他这這中大来來上国國个個到说說们們为為子和你地之以也而其者曰於于，。、：「」“”"
)


class Decoded(NamedTuple):
    """A text, the encoding it was in, and how many characters could not be decoded."""

    text: str
    encoding: str
    losses: int


def decode_text(data: bytes, declared: str | None = None) -> Decoded:
    """Decode by byte-order mark, then as UTF-8, then as declared, then by what reads best."""
    encoding = next((name for mark, name in BOMS if data.startswith(mark)), None)
    encoding = encoding or utf16_without_mark(data)
    if encoding is None:
        encoding = "utf-8" if _fits(data, "utf-8") else _declared(data, declared) or _best(data)
    text = data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text.removeprefix("\ufeff"), encoding.removesuffix("-sig"), text.count("\ufffd"))


def utf16_without_mark(data: bytes) -> str | None:
    """The order of bytes of a text in UTF-16 that does not say so, or None.

    Western letters leave every other byte zero; Chinese shows by its commonest characters.
    """
    head = data[:SAMPLE]
    if 0 not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 > len(head) > min(even, odd) * 20:
        return "utf-16-le" if odd > even else "utf-16-be"
    best = max(("utf-16-le", "utf-16-be"), key=lambda name: _worth(head, name))
    return best if _worth(head, best) > READABLE else None


def _fits(data: bytes, encoding: str) -> bool:
    """Whether the text decodes; a few damaged bytes in a long one are forgiven."""
    text = data.decode(encoding, "replace")
    return text.count("\ufffd") * 1000 <= len(text)


def _declared(data: bytes, name: str | None) -> str | None:
    if not name:
        return None
    name = "gb18030" if name.lower() in ("gb2312", "gbk", "gb_2312-80") else name
    try:
        return name if _fits(data, name) else None
    except LookupError:
        return None


def _best(data: bytes) -> str:
    """The Chinese encoding in which the most frequent characters appear most."""
    return max(("gb18030", "big5hkscs"), key=lambda name: _worth(data[:SAMPLE], name))


def _worth(head: bytes, encoding: str) -> float:
    text = head.decode(encoding, "replace")
    good = sum(character in FREQUENT for character in text)
    return (good - 10 * text.count("\ufffd")) / max(len(text), 1)
