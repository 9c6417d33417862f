"""XML and HTML that others wrote: no entities, no network, no DTD; the readable part is read."""

import html.entities
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

XML_ENTITIES = {b"amp", b"lt", b"gt", b"quot", b"apos"}
ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
ENCODING = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._\-]+)""")
NAMES = {
    name[:-1].encode(): "".join(f"&#{ord(character)};" for character in text).encode()
    for name, text in html.entities.html5.items()
    if name.endswith(";")
}
STRING = etree.XPath("string()", smart_strings=False)
XHTML_DOCTYPE = re.compile(rb"<!DOCTYPE[^>]{0,200}//DTD XHTML")


class Parsed(NamedTuple):
    """A tree, whether it was well-formed, and whether it declares entities of its own."""

    root: etree._Element
    wellformed: bool
    own_entities: bool


def parse_xml(data: bytes) -> Parsed | None:
    """Parse XML, recovering what can be; None where nothing can."""
    data = (
        data.lstrip(b"\x00\t\r\n \xef\xbb\xbf")
        if data[:2] not in (b"\xff\xfe", b"\xfe\xff")
        else data
    )
    mended = ENTITY.sub(_numeric, data) if b"&" in data else data
    browser_fails = mended is not data and mended != data and not XHTML_DOCTYPE.search(data[:1024])
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(_in_known_encoding(mended), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    own_entities = _declares_entities(root)
    if own_entities:
        # XPath would expand them; an attribute's are bounded by the parser.
        etree.strip_elements(root, etree.Entity, with_tail=False)
    fatal = any(entry.level >= etree.ErrorLevels.ERROR for entry in parser.error_log)
    return Parsed(root, not fatal and not browser_fails, own_entities)


def parse_html(data: bytes, encoding: str | None = None) -> etree._Element | None:
    """Parse tag soup; None where there is none."""
    parser = etree.HTMLParser(encoding=encoding, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local(element: etree._Element) -> str:
    """The local name of an element; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of a local name, whatever their namespace."""
    return (child for child in element if local(child) == name)


def first(element: etree._Element, name: str) -> etree._Element | None:
    """The first descendant of a local name."""
    return next(element.iter("{*}" + name), None)


def attribute(element: etree._Element, name: str) -> str | None:
    """An attribute by its local name, whatever its namespace."""
    value = element.get(name)
    if value is not None:
        return str(value)
    return next((str(v) for key, v in element.items() if str(key).rpartition("}")[2] == name), None)


def text_of(element: etree._Element) -> str:
    """All text below an element, white space collapsed."""
    return " ".join(whole_text(element).split())


def whole_text(element: etree._Element) -> str:
    """All text below an element as it stands, without comments."""
    return str(STRING(element))


def _declares_entities(root: etree._Element) -> bool:
    dtd: Any = root.getroottree().docinfo.internalDTD  # the stubs know no entities
    return dtd is not None and next(dtd.iterentities(), None) is not None


def _numeric(match: re.Match[bytes]) -> bytes:
    name = match[1]
    return match[0] if name in XML_ENTITIES else NAMES.get(name, match[0])


def _in_known_encoding(data: bytes) -> bytes:
    """GB2312 and GBK declarations are read as GB18030, which contains them and more of them."""
    declared = ENCODING.match(data)
    if declared and declared[1].lower() in (b"gb2312", b"gbk", b"gb18030", b"cp936"):
        text = data.decode("gb18030", "replace")
        return b'<?xml version="1.0" encoding="utf-8"?>' + text.partition("?>")[2].encode()
    return data
