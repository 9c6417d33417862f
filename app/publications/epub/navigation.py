"""Tables of contents: EPUB 3 navigation documents (EPUB 3.3, 7) and NCX (OPF 2.0.1, 2.4.1)."""

from collections.abc import Iterator

from lxml import etree

from app.publications.archives import Archive
from app.publications.epub.package import Package
from app.publications.findings import Report
from app.publications.markup import (
    attribute,
    children,
    first,
    local,
    parse_html,
    parse_xml,
    text_of,
)
from app.publications.mediatypes import NCX
from app.publications.models import TocEntry
from app.publications.paths import resolve

DEPTH = 12
MOST_TITLE = 500


class TocReader:
    """Reads the table of contents of a package, at most so many lines of it."""

    def __init__(self, archive: Archive, package: Package, report: Report, most: int) -> None:
        self._archive = archive
        self._package = package
        self._report = report
        self._left = most
        self._base = ""

    def read(self) -> tuple[TocEntry, ...]:
        """The navigation document's contents, or else the NCX's; empty without either."""
        nav = self._package.with_property("nav")
        if nav and (entries := self._from_nav(nav.path)):
            return entries
        ncx = self._ncx_path()
        return self._from_ncx(ncx) if ncx else ()

    def _parse(self, path: str) -> etree._Element | None:
        self._base = path
        data = self._archive.read(path)
        parsed = parse_xml(data) if data else None
        if parsed is None:
            return parse_html(data) if data else None
        if not parsed.wellformed:
            self._report.add("xml-malformed", path)
        return parsed.root

    def _ncx_path(self) -> str | None:
        named = self._package.items.get(self._package.ncx_id or "")
        if named and named.path.lower().endswith(".ncx"):
            return named.path
        for item in self._package.items.values():
            if item.claimed_type == NCX or item.path.lower().endswith(".ncx"):
                return item.path
        return None

    def _from_nav(self, path: str) -> tuple[TocEntry, ...]:
        root = self._parse(path)
        if root is None:
            return ()
        navs = list(root.iter("{*}nav"))
        toc = next((nav for nav in navs if "toc" in (attribute(nav, "type") or "").split()), None)
        if toc is None and navs:
            toc = navs[0]
        lines = first(toc, "ol") if toc is not None else None
        return tuple(self._nav_lines(lines, DEPTH)) if lines is not None else ()

    def _nav_lines(self, lines: etree._Element, depth: int) -> Iterator[TocEntry]:
        for line in children(lines, "li"):
            label = next((child for child in line if local(child) in ("a", "span")), None)
            if label is None:
                label = first(line, "a")
            below = next(children(line, "ol"), None)
            under = tuple(self._nav_lines(below, depth - 1)) if depth and below is not None else ()
            title = _label(label) if label is not None else ""
            href = attribute(label, "href") if label is not None else None
            yield from self._entry(title, href, under)

    def _from_ncx(self, path: str) -> tuple[TocEntry, ...]:
        root = self._parse(path)
        points = first(root, "navmap") if root is not None else None
        if points is None and root is not None:
            points = first(root, "navMap")
        return tuple(self._points(points, DEPTH)) if points is not None else ()

    def _points(self, parent: etree._Element, depth: int) -> Iterator[TocEntry]:
        for point in children(parent, "navpoint"):
            label = next(children(point, "navlabel"), None)
            content = next(children(point, "content"), None)
            under = tuple(self._points(point, depth - 1)) if depth else ()
            title = text_of(label)[:MOST_TITLE] if label is not None else ""
            yield from self._entry(
                title, content.get("src") if content is not None else None, under
            )

    def _entry(
        self, title: str, href: str | None, under: tuple[TocEntry, ...]
    ) -> Iterator[TocEntry]:
        """One line; a line that leads nowhere stays as a heading if something stands below it."""
        self._left -= 1
        if self._left < 0:
            return
        target = resolve(self._base, href) if href else None
        path = self._archive.find(target[0]) if target else None
        if href and path is None:
            self._report.add("toc-broken", href)
        if path:
            yield TocEntry(title or path, path, target[1] if target else None, under)
        elif title and under:
            yield TocEntry(title, children=under)
        else:
            yield from under


def _label(element: etree._Element) -> str:
    """What a line says: its text, or the words of an image in it."""
    text = text_of(element)
    if not text:
        image = first(element, "img")
        text = (image.get("alt") if image is not None else None) or element.get("title") or ""
    return text[:MOST_TITLE]


def titles_by_path(toc: tuple[TocEntry, ...]) -> dict[str, str]:
    """The first title that the table of contents gives to each file."""
    titles: dict[str, str] = {}
    waiting = list(reversed(toc))
    while waiting:
        entry = waiting.pop()
        if entry.path:
            titles.setdefault(entry.path, entry.title)
        waiting.extend(reversed(entry.children))
    return titles
