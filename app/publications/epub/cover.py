"""Which image is the cover: said in EPUB 3's way, in EPUB 2's, in the guide, or just there."""

import re

from app.publications.archives import Archive
from app.publications.epub.metadata import MetadataReader
from app.publications.epub.package import Item, Package
from app.publications.markup import attribute, children, parse_html, parse_xml
from app.publications.mediatypes import RASTER, SVG, by_name
from app.publications.paths import resolve

NAMED = re.compile(r"(?:^|[/_\-.])(?:cover|fengmian|封面)", re.IGNORECASE)
IMAGES = RASTER | {SVG}


def find_cover(archive: Archive, package: Package, metadata: MetadataReader) -> str | None:
    """The path of the cover image, or None."""
    item = package.with_property("cover-image") or _meta_cover(package, metadata)
    if item and by_name(item.path) in IMAGES:
        return item.path
    pages = [item.path] if item else []
    pages += _guide_pages(archive, package)
    if package.spine:
        pages.append(package.spine[0].item.path)
    by_page = next((image for page in pages if (image := _image_in(archive, page))), None)
    return by_page or _by_name(package)


def _meta_cover(package: Package, metadata: MetadataReader) -> Item | None:
    named = metadata.property("cover")
    if not named:
        return None
    return package.items.get(named) or next(
        (item for item in package.items.values() if item.path.endswith(named)), None
    )


def _guide_pages(archive: Archive, package: Package) -> list[str]:
    guide = next(children(package.root, "guide"), None)
    pages = []
    for reference in children(guide, "reference") if guide is not None else ():
        if "cover" in str(reference.get("type") or "").lower():
            target = resolve(package.path, str(reference.get("href") or ""))
            if target and (path := archive.find(target[0])):
                pages.append(path)
    return pages


def _image_in(archive: Archive, path: str) -> str | None:
    """The first image of a page; the page itself if it is an image."""
    if by_name(path) in IMAGES:
        return path
    data = archive.read(path)
    if not data:
        return None
    parsed = parse_xml(data)
    root = parsed.root if parsed else parse_html(data)
    for element in root.iter("{*}img", "{*}image") if root is not None else ():
        href = attribute(element, "src") or attribute(element, "href")
        target = resolve(path, href) if href else None
        found = archive.find(target[0]) if target else None
        if found and by_name(found) in IMAGES:
            return found
    return None


def _by_name(package: Package) -> str | None:
    images = [item.path for item in package.items.values() if by_name(item.path) in RASTER]
    return next((path for path in images if NAMED.search(path)), None)
