"""CBZ: pictures of pages in natural order, and ComicInfo.xml."""

import re
from posixpath import basename

from lxml import etree

from app.publications.archives import Archive
from app.publications.entries import Indexer
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.markup import children, parse_xml, text_of
from app.publications.mediatypes import CBZ, RASTER, by_content, by_name
from app.publications.models import Agent, Format, Identifier, Link, Publication, TocEntry
from app.publications.output import Output
from app.publications.paths import HIDDEN
from app.publications.source import Source

DIGITS = re.compile(r"(\d+)")
# ComicInfo 2.0's credits and the MARC relators that say the same.
ROLES = {
    "writer": "aut",
    "penciller": "art",
    "inker": "ill",
    "colorist": "clr",
    "letterer": "ltr",
    "coverartist": "cov",
    "editor": "edt",
    "translator": "trl",
}


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which ``page2`` comes before ``page10``."""
    parts = DIGITS.split(path.casefold())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)


def examine_cbz(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    """The pages of a comic. Raises RefusedError where there are none."""
    archive = Archive(source, limits, report)
    entries = Indexer(archive, output, limits).entries()
    pages = _pages(archive, report)
    if not pages:
        raise RefusedError("comic-empty")
    if len(pages) > limits.pages:
        raise RefusedError("too-many-pages", str(len(pages)))
    info = _Info(_comic_info(archive, report))
    cover = pages[0].path
    publication = info.publication(pages, cover)
    if not publication.title:
        report.add("title-missing")
    return Examined(publication, entries, (), "", archive.read(cover))


def _pages(archive: Archive, report: Report) -> tuple[Link, ...]:
    pages = []
    for member in archive.members:
        media_type = by_name(member.path)
        hidden = member.path.startswith("__MACOSX/") or basename(member.path).startswith(".")
        if media_type not in RASTER or hidden:
            continue
        if archive.is_unreadable(member) or by_content(archive.head(member)) not in RASTER:
            report.add("page-broken", member.path)
            continue
        pages.append(Link(member.path, media_type))
    return tuple(sorted(pages, key=lambda page: natural(page.path)))


def _comic_info(archive: Archive, report: Report) -> etree._Element | None:
    path = archive.find("ComicInfo.xml")
    data = archive.read(path) if path else None
    parsed = parse_xml(data) if data else None
    if path and (parsed is None or not parsed.wellformed):
        report.add("xml-malformed", path)
    return parsed.root if parsed else None


class _Info:
    """The elements of ComicInfo.xml by their lower-case names."""

    def __init__(self, root: etree._Element | None) -> None:
        self._root = root

    def get(self, name: str) -> str | None:
        """The text of an element, None without it."""
        found = next(children(self._root, name), None) if self._root is not None else None
        return HIDDEN.sub("", text_of(found)) or None if found is not None else None

    def words(self, *names: str) -> tuple[str, ...]:
        """The values of elements that hold lists separated by commas."""
        values = (word.strip() for name in names for word in (self.get(name) or "").split(","))
        return tuple(dict.fromkeys(word for word in values if word))

    def publication(self, pages: tuple[Link, ...], cover: str) -> Publication:
        """Everything together."""
        gtin = self.get("gtin")
        series, number = self.get("series"), self.get("number")
        title = self.get("title") or (f"{series} {number or ''}".strip() if series else None)
        dates = (self.get("year"), self.get("month"), self.get("day"))
        rightwards = (self.get("manga") or "").lower() == "yesandrighttoleft"
        return Publication(
            format=Format.CBZ,
            media_type=CBZ,
            title=title,
            agents=tuple(
                Agent(name, role) for kind, role in ROLES.items() for name in self.words(kind)
            ),
            languages=self.words("languageiso"),
            identifiers=(Identifier(gtin, "isbn"),) if gtin else (),
            publisher=self.get("publisher"),
            published="-".join(d.zfill(2) for d in dates if d) or None,
            description=self.get("summary"),
            subjects=self.words("genre", "tags"),
            series=series,
            series_position=number,
            reading_order=pages,
            toc=tuple(_folders(pages)),
            page_progression="rtl" if rightwards else "default",
            layout="fixed",
            cover=cover,
            page_count=len(pages),
        )


def _folders(pages: tuple[Link, ...]) -> list[TocEntry]:
    """Folders of pages are chapters, if there are several."""
    firsts: dict[str, str] = {}
    for page in pages:
        firsts.setdefault(page.path.rpartition("/")[0], page.path)
    if len(firsts) < 2:
        return []
    return [TocEntry(basename(folder) or "·", path) for folder, path in firsts.items()]
