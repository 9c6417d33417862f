"""Positions: places in a publication that do not depend on the size of a screen."""

from collections.abc import Iterator

from app.publications.models import Entry, Examination, Format, Link, Model, Publication

BYTES = 1024


class Position(Model, frozen=True):
    """A Readium locator: ``position`` counts from one, progressions run from 0 to below 1.

    ``fragment`` is set where the resource is one file of many pages.
    """

    path: str
    media_type: str
    position: int
    progression: float
    total_progression: float
    title: str | None = None
    fragment: str | None = None


def positions(publication: Publication, entries: tuple[Entry, ...]) -> tuple[Position, ...]:
    """All positions of a publication, in order.

    Reflowable resources have one for every 1,024 bytes, or part of them, that the entry takes in
    its archive; fixed ones have one each; a PDF has one a page (Readium's positions model).
    """
    shares = list(_shares(publication, entries))
    total = sum(count for _, count in shares)
    found: list[Position] = []
    paged = publication.format is Format.PDF
    for link, count in shares:
        for step in range(count):
            number = len(found) + 1
            found.append(
                Position(
                    path=link.path,
                    media_type=link.media_type,
                    position=number,
                    progression=step / count,
                    total_progression=(number - 1) / total,
                    title=link.title,
                    fragment=f"page={number}" if paged else None,
                )
            )
    return tuple(found)


def positions_of(examination: Examination) -> tuple[Position, ...]:
    """The same of an examined file; empty where it was refused."""
    if examination.publication is None:
        return ()
    return positions(examination.publication, examination.entries)


def _shares(publication: Publication, entries: tuple[Entry, ...]) -> Iterator[tuple[Link, int]]:
    lengths = {entry.path: entry.compressed for entry in entries}
    for link in publication.reading_order:
        if publication.format is Format.PDF:
            yield (link, publication.page_count or 1)
        elif _is_fixed(publication, link):
            yield (link, 1)
        else:
            yield (link, max(1, -(-lengths.get(link.path, 0) // BYTES)))


def _is_fixed(publication: Publication, link: Link) -> bool:
    """A resource's own layout stands over the book's (EPUB 3.3, 8.2.2.1)."""
    if "rendition:layout-reflowable" in link.properties:
        return False
    return publication.layout == "fixed" or "rendition:layout-pre-paginated" in link.properties
