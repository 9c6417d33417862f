"""Examining one file in this process. Only the confined child calls this on files of others."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from app.publications.cbz import examine_cbz
from app.publications.covers import make_covers
from app.publications.epub.examine import examine_epub
from app.publications.examined import Examined
from app.publications.findings import RefusedError, Report, finding
from app.publications.html import examine_html
from app.publications.limits import Limits
from app.publications.mediatypes import SVG, by_name
from app.publications.models import Examination, Format, Outcome
from app.publications.output import Output
from app.publications.pdf import examine_pdf
from app.publications.sniffing import sniff
from app.publications.source import Source
from app.publications.txt import examine_text

Examiner = Callable[[Source, Output, Limits, Report], Examined]
EXAMINERS: dict[Format, Examiner] = {
    Format.EPUB: examine_epub,
    Format.PDF: examine_pdf,
    Format.CBZ: examine_cbz,
    Format.TXT: examine_text,
    Format.HTML: examine_html,
}
EXTENSIONS = {
    ".epub": Format.EPUB,
    ".pdf": Format.PDF,
    ".cbz": Format.CBZ,
    ".txt": Format.TXT,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
}
TEXT_EXTENSIONS = {"", ".text", *EXTENSIONS}


def examine_file(path: Path, folder: Path, limits: Limits, name: str | None = None) -> Examination:
    """Examine the file at ``path`` and write its covers, text and copies into ``folder``.

    ``name`` is what its owner calls it, if the path does not say so.

    Never raises for what is in the file: the outcome is ``refused`` then, with the reason as the
    last finding.
    """
    try:
        source = Source.open(path, name)
    except OSError as error:
        return refusal(RefusedError("unreadable", error.strerror or ""))
    return examine_source(source, folder, limits)


def examine_source(source: Source, folder: Path, limits: Limits) -> Examination:
    """The same of a file that is open already, which is closed at the end."""
    with source:
        report = Report(limits.findings_per_code)
        output = Output(folder, limits.output_bytes)
        figures = Examination(
            outcome=Outcome.REFUSED,
            size=source.size,
            sha256=source.sha256(),
            partial_md5=source.partial_md5(),
        )
        try:
            examined = _examined(source, output, limits, report)
        except RefusedError as refused:
            for written in output.names:
                output.discard(written)
            reason = finding(refused.code, refused.place)
            return replace(figures, findings=(*report.findings(), reason))
        return replace(
            figures,
            outcome=Outcome.READABLE,
            publication=examined.publication,
            entries=examined.entries,
            chapters=examined.chapters,
            opening=examined.opening,
            findings=report.findings(),
            files=output.names,
            made=examined.made,
        )


def _examined(source: Source, output: Output, limits: Limits, report: Report) -> Examined:
    kind = sniff(source, limits)
    if kind == Format.TXT and source.suffix not in TEXT_EXTENSIONS:
        # Any file of characters could be a text; what is called something else is no book.
        raise RefusedError("kind-unsupported", source.suffix)
    if EXTENSIONS.get(source.suffix, kind) != kind:
        report.add("extension-differs", f"{source.suffix} → {kind}")
    examined = EXAMINERS[kind](source, output, limits, report)
    _cover(examined, output, limits, report)
    return examined


def _cover(examined: Examined, output: Output, limits: Limits, report: Report) -> None:
    cover = examined.publication.cover
    if cover and by_name(cover) == SVG:
        report.add("cover-vector", cover)
    elif examined.cover:
        make_covers(examined.cover, output, report, limits.image_pixels)
    else:
        report.add("cover-missing")


def refusal(refused: RefusedError) -> Examination:
    """An examination that says why there is none."""
    return Examination(outcome=Outcome.REFUSED, findings=(finding(refused.code, refused.place),))
