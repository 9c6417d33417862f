"""Manifest and spine (OPF 2.0.1, 2.3 and 2.4; EPUB 3.3, 5.6 and 5.7)."""

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from app.publications.archives import Archive
from app.publications.findings import RefusedError, Report
from app.publications.markup import children, parse_xml
from app.publications.mediatypes import DOCUMENTS, by_name
from app.publications.paths import is_remote, resolve


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the book that is in the archive."""

    id: str
    path: str
    claimed_type: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpineItem:
    """A place in the reading order."""

    item: Item
    linear: bool
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """The parsed package document at ``path``; ``claims`` is what it says each file is."""

    path: str
    root: etree._Element
    items: dict[str, Item]
    spine: tuple[SpineItem, ...]
    progression: Literal["ltr", "rtl", "default"]
    ncx_id: str | None
    claims: dict[str, str]

    def with_property(self, name: str) -> Item | None:
        """The first item that has a property."""
        return next((item for item in self.items.values() if name in item.properties), None)


def read_package(archive: Archive, path: str, report: Report) -> Package:
    """Parse the package. Raises RefusedError where it is not one."""
    data = archive.read(path)
    parsed = parse_xml(data) if data else None
    if parsed is None or not (len(parsed.root)):
        raise RefusedError("package-unreadable", path)
    if not parsed.wellformed:
        report.add("xml-malformed", path)
    if parsed.own_entities:
        report.add("xml-entities", path)
    root = parsed.root
    items = _manifest(archive, path, root, report)
    spine = next(children(root, "spine"), None)
    places = _spine(spine, items, report) if spine is not None else ()
    if not places:
        report.add("spine-empty", path)
        places = _documents(archive, items, path)
    claims = {item.path: item.claimed_type for item in items.values()}
    return Package(path, root, items, places, _progression(spine), _ncx_id(spine), claims)


def _manifest(archive: Archive, base: str, root: etree._Element, report: Report) -> dict[str, Item]:
    items: dict[str, Item] = {}
    paths: set[str] = set()
    block = next(children(root, "manifest"), None)
    for element in children(block, "item") if block is not None else ():
        item_id, href = str(element.get("id") or ""), str(element.get("href") or "")
        path = _locate(archive, base, href, report) if href else None
        if path is None:
            continue
        if item_id in items or path in paths:
            report.add("manifest-twice", path)
        paths.add(path)
        claimed = str(element.get("media-type") or "")
        properties = tuple(str(element.get("properties") or "").split())
        items.setdefault(item_id or f"#{len(items)}", Item(item_id, path, claimed, properties))
    for member in archive.members:
        path = member.path
        if (
            path not in paths
            and not path.startswith("META-INF/")
            and path not in ("mimetype", base)
        ):
            report.add("not-in-manifest", path)
    return items


def _locate(archive: Archive, base: str, href: str, report: Report) -> str | None:
    """The archive's name of what the manifest refers to, or None with a finding."""
    target = resolve(base, href)
    if target is None:
        local_file = not is_remote(href) or href.lower().startswith("file:")
        report.add("manifest-outside" if local_file else "manifest-remote", href)
        return None
    path = archive.find(target[0])
    if path is None:
        raw = href.partition("#")[0]
        path = next((p for p in (raw, target[0].rpartition("/")[2]) if p in archive), None)
    if path is None:
        report.add("manifest-missing", target[0])
    elif path != target[0]:
        report.add("href-mended", path)
    return path


def _spine(spine: etree._Element, items: dict[str, Item], report: Report) -> tuple[SpineItem, ...]:
    places: dict[str, SpineItem] = {}
    for reference in children(spine, "itemref"):
        item = items.get(str(reference.get("idref") or ""))
        if item is None:
            report.add("spine-unknown", str(reference.get("idref")))
        elif item.path in places:
            report.add("spine-repeated", item.path)
        else:
            linear = str(reference.get("linear") or "yes").strip().lower() != "no"
            properties = tuple(str(reference.get("properties") or "").split())
            places[item.path] = SpineItem(item, linear, properties)
    return tuple(places.values())


def _documents(archive: Archive, items: dict[str, Item], base: str) -> tuple[SpineItem, ...]:
    """The documents of a book without a reading order, as manifest or archive list them."""
    listed = list(items.values()) or [
        Item("", member.path, "", ()) for member in archive.members if member.path != base
    ]
    return tuple(
        SpineItem(item, True, ())
        for item in listed
        if by_name(item.path, item.claimed_type) in DOCUMENTS and "nav" not in item.properties
    )


def _progression(spine: etree._Element | None) -> Literal["ltr", "rtl", "default"]:
    said = spine.get("page-progression-direction") if spine is not None else None
    if said == "rtl":
        return "rtl"
    return "ltr" if said == "ltr" else "default"


def _ncx_id(spine: etree._Element | None) -> str | None:
    return spine.get("toc") if spine is not None else None
