"""Examining an EPUB: metadata, order, contents, text, and the byte index."""

from dataclasses import dataclass, field

from app.publications.archives import Archive
from app.publications.entries import Indexer, Mask
from app.publications.epub.container import check_mimetype, find_package
from app.publications.epub.cover import find_cover
from app.publications.epub.encryption import Encryption, read_encryption
from app.publications.epub.metadata import MetadataReader
from app.publications.epub.navigation import TocReader, titles_by_path
from app.publications.epub.package import Package, read_package
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report
from app.publications.limits import Limits
from app.publications.markup import first, parse_html, parse_xml
from app.publications.mediatypes import DOCUMENTS, EPUB, HTML, XHTML, by_content, by_name
from app.publications.models import Format, Link, Publication, TocEntry
from app.publications.output import Output
from app.publications.source import Source
from app.publications.text import TEXT_FILE, TextWriter, heading, plain_text


def examine_epub(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    """Everything that can be read of an EPUB. Raises RefusedError where there is nothing."""
    archive = Archive(source, limits, report)
    check_mimetype(archive, report)
    package = read_package(archive, find_package(archive, report), report)
    return _Book(archive, package, output, limits, report).examined()


@dataclass(slots=True)
class _Book:
    archive: Archive
    package: Package
    output: Output
    limits: Limits
    report: Report
    types: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)

    def examined(self) -> Examined:
        metadata = MetadataReader(self.package.root, self.report)
        encryption = read_encryption(self.archive, self.report)
        identifiers = tuple(i.value for i in metadata.identifiers())
        masks = encryption.masks(metadata.unique_identifier(), identifiers)
        withheld = self._withheld(encryption, masks)
        toc = TocReader(self.archive, self.package, self.report, self.limits.toc_entries).read()
        titles = titles_by_path(toc)
        writer = self._write_text(titles, withheld)
        entries = self._indexer(masks, withheld).entries()
        self._check_readable(withheld)
        cover = find_cover(self.archive, self.package, metadata)
        publication = self._publication(metadata, cover, toc, titles)
        image = self.archive.read(cover) if cover and cover not in withheld else None
        return Examined(publication, entries, tuple(writer.chapters), writer.opening, image)

    def _indexer(self, masks: dict[str, Mask], withheld: dict[str, str]) -> Indexer:
        self._look_into_the_rest()
        return Indexer(
            self.archive,
            self.output,
            self.limits,
            types=self.types,
            claims=self.package.claims,
            obfuscated=masks,
            withheld=withheld,
        )

    def _withheld(self, encryption: Encryption, masks: dict[str, Mask]) -> dict[str, str]:
        """Encrypted resources that cannot be restored; what can be, or need not, is reported."""
        withheld = {}
        for path, algorithm in encryption.algorithms.items():
            member = self.archive.get(path)
            if path in masks and member and by_content(self.archive.head(member)):
                # What begins like a font in the clear would be broken by undoing anything.
                self.report.add("font-clear", path)
                del masks[path]
            elif path in masks:
                self.report.add("font-obfuscated", path)
            else:
                self.report.add("resource-encrypted", f"{path} ({algorithm[:80]})")
                withheld[path] = "resource-encrypted"
        return withheld

    def _check_readable(self, withheld: dict[str, str]) -> None:
        """Refuse a book of which no chapter can be delivered."""
        places = [place.item.path for place in self.package.spine]
        if places and all(path in withheld for path in places):
            raise RefusedError("drm")
        members = (self.archive.get(path) for path in places if path not in withheld)
        if not any(member and not self.archive.is_unreadable(member) for member in members):
            raise RefusedError("nothing-to-read")

    def _write_text(self, titles: dict[str, str], withheld: dict[str, str]) -> TextWriter:
        with self.output.create(TEXT_FILE) as file:
            writer = TextWriter(file, self.limits.text_characters)
            for place in self.package.spine:
                path = place.item.path
                if path not in withheld:
                    text = self._look_into(path)
                    writer.add(path, titles.get(path) or self.headings.get(path), text)
        if writer.cut:
            self.report.add("text-cut")
        return writer

    def _look_into(self, path: str) -> str:
        """The text of a document; on the way its real type and its heading become known."""
        claimed = by_name(path, self.package.claims.get(path))
        data = self.archive.read(path) if claimed in DOCUMENTS else None
        if not data:
            return ""
        parsed = parse_xml(data)
        if parsed and parsed.own_entities:
            self.report.add("xml-entities", path)
        if parsed is None or not parsed.wellformed:
            self.report.add("xml-malformed", path)
        if claimed == XHTML:
            self.types[path] = XHTML if parsed and parsed.wellformed else HTML
        root = parsed.root if parsed else parse_html(data)
        if root is None:
            return ""
        if first(root, "script") is not None:
            self.report.add("script", path)
        if title := heading(root):
            self.headings[path] = title
        return plain_text(root)

    def _look_into_the_rest(self) -> None:
        """Documents outside the reading order are opened too: their type depends on their form."""
        for path, claimed in self.package.claims.items():
            if path not in self.types and by_name(path, claimed) == XHTML:
                data = self.archive.read(path)
                parsed = parse_xml(data) if data else None
                self.types[path] = XHTML if parsed and parsed.wellformed else HTML

    def _publication(
        self,
        metadata: MetadataReader,
        cover: str | None,
        toc: tuple[TocEntry, ...],
        titles: dict[str, str],
    ) -> Publication:
        title, others, sort = metadata.titles()
        series, position = metadata.series()
        self._check_metadata(title, metadata)
        layout = metadata.property("rendition:layout", "fixed-layout") or ""
        return Publication(
            format=Format.EPUB,
            media_type=EPUB,
            title=title,
            other_titles=others,
            sort_title=sort,
            agents=metadata.agents(),
            languages=tuple(metadata.texts("language")),
            identifiers=metadata.identifiers(),
            publisher=metadata.text("publisher"),
            published=metadata.published(),
            description=metadata.description(),
            subjects=tuple(metadata.texts("subject")),
            rights=metadata.text("rights"),
            source=metadata.text("source"),
            series=series,
            series_position=position,
            reading_order=self._reading_order(titles),
            resources=self._resources(),
            toc=toc or self._toc_of_spine(),
            page_progression=self.package.progression,
            layout="fixed" if layout in ("pre-paginated", "true") else "reflowable",
            cover=cover,
        )

    def _check_metadata(self, title: str | None, metadata: MetadataReader) -> None:
        if not title:
            self.report.add("title-missing", self.package.path)
        if not metadata.texts("language"):
            self.report.add("language-missing", self.package.path)
        if not metadata.texts("identifier"):
            self.report.add("identifier-missing", self.package.path)

    def _type(self, path: str) -> str:
        return self.types.get(path) or by_name(path, self.package.claims.get(path))

    def _reading_order(self, titles: dict[str, str]) -> tuple[Link, ...]:
        return tuple(
            Link(
                place.item.path,
                self._type(place.item.path),
                titles.get(place.item.path) or self.headings.get(place.item.path),
                (*place.item.properties, *place.properties),
                place.linear,
            )
            for place in self.package.spine
        )

    def _resources(self) -> tuple[Link, ...]:
        ordered = {place.item.path for place in self.package.spine}
        return tuple(
            Link(item.path, self._type(item.path), properties=item.properties)
            for item in self.package.items.values()
            if item.path not in ordered
        )

    def _toc_of_spine(self) -> tuple[TocEntry, ...]:
        self.report.add("toc-missing")
        return tuple(
            TocEntry(self.headings.get(place.item.path) or str(number), place.item.path)
            for number, place in enumerate(self.package.spine, 1)
            if place.linear
        )
