"""Finding the package document (EPUB 3.3, 4.2.6.3)."""

from app.publications.archives import Archive
from app.publications.findings import RefusedError, Report
from app.publications.markup import parse_xml
from app.publications.mediatypes import EPUB
from app.publications.paths import resolve

CONTAINER = "META-INF/container.xml"
MIMETYPE = "mimetype"
PACKAGE_TYPE = "application/oebps-package+xml"


def find_package(archive: Archive, report: Report) -> str:
    """The path of the package document. Raises RefusedError where there is none.

    A book whose container file is missing or wrong is mended by looking for the package.
    """
    named = _named(archive, report)
    for path in named:
        if found := archive.find(path):
            return found
    report.add("container-missing", CONTAINER)
    packages = sorted(
        (m.path for m in archive.members if m.path.lower().endswith(".opf")),
        key=lambda path: (path.count("/"), path),
    )
    if not packages:
        raise RefusedError("package-missing", ", ".join(named))
    return packages[0]


def check_mimetype(archive: Archive, report: Report) -> None:
    """Report a mimetype entry that is missing, wrong, or not first (EPUB 3.3, 4.2.7)."""
    member = archive.get(MIMETYPE)
    if member is None:
        report.add("mimetype-missing")
    elif (archive.read(MIMETYPE) or b"") != EPUB.encode():
        report.add("mimetype-wrong")
    elif not archive.is_exactly(member, EPUB.encode()):
        report.add("mimetype-late")


def _named(archive: Archive, report: Report) -> list[str]:
    data = archive.read(archive.find(CONTAINER) or CONTAINER)
    parsed = parse_xml(data) if data else None
    if parsed is None:
        return []
    if not parsed.wellformed:
        report.add("xml-malformed", CONTAINER)
    if parsed.own_entities:
        report.add("xml-entities", CONTAINER)
    rootfiles = list(parsed.root.iter("{*}rootfile"))
    rootfiles.sort(key=lambda file: file.get("media-type") != PACKAGE_TYPE)
    paths = []
    for rootfile in rootfiles:
        full_path = str(rootfile.get("full-path") or "")
        target = resolve("", full_path) if full_path else None
        if target:
            paths.append(target[0])
        else:
            report.add("manifest-outside", full_path or CONTAINER)
    if len(paths) > 1:
        report.add("package-several", str(len(paths)))
    return paths
