"""Examining the EPUB that was made of a file, as the file it stands for."""

from msgspec.structs import replace

from app.publications.epub.examine import examine_epub
from app.publications.examined import Examined
from app.publications.findings import Report
from app.publications.limits import Limits
from app.publications.made import MADE
from app.publications.models import Format
from app.publications.output import Output
from app.publications.source import Source


def remade(
    output: Output, limits: Limits, report: Report, kind: Format, media_type: str
) -> Examined:
    """What is in ``made.epub``; findings about our own making are of no interest to anybody."""
    with Source.open(output.folder / MADE) as source:
        examined = examine_epub(source, output, limits, Report(0))
    if examined.publication.title is None:
        report.add("title-missing")
    publication = replace(examined.publication, format=kind, media_type=media_type)
    return examined._replace(publication=publication, made=MADE)
