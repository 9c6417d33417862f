"""Examining one file in this process. Only the confined child calls this on files of others."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from app.publications.covers import make_covers
from app.publications.epub.examine import examine_epub
from app.publications.examined import Examined
from app.publications.findings import Refused, Report, finding
from app.publications.limits import Limits
from app.publications.mediatypes import SVG, by_name
from app.publications.models import Examination, Format, Outcome
from app.publications.output import Output
from app.publications.sniffing import sniff
from app.publications.source import Source

Examiner = Callable[[Source, Output, Limits, Report], Examined]
EXAMINERS: dict[Format, Examiner] = {Format.EPUB: examine_epub}
EXTENSIONS = {
    ".epub": Format.EPUB,
    ".pdf": Format.PDF,
    ".cbz": Format.CBZ,
    ".txt": Format.TXT,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
}


def examine_file(path: Path, folder: Path, limits: Limits) -> Examination:
    """Examine the file at ``path`` and write its covers, text and copies into ``folder``.

    Never raises for what is in the file: the outcome is ``refused`` then, with the reason as the
    last finding.
    """
    try:
        source = Source(path)
    except OSError:
        return refusal(Refused("unreadable"))
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
            examined = _examined(path, source, output, limits, report)
        except Refused as refused:
            for name in output.names:
                output.discard(name)
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


def _examined(
    path: Path, source: Source, output: Output, limits: Limits, report: Report
) -> Examined:
    kind = sniff(source, limits)
    if EXTENSIONS.get(path.suffix.lower(), kind) != kind:
        report.add("extension-differs", f"{path.suffix} → {kind}")
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


def refusal(refused: Refused) -> Examination:
    """An examination that says why there is none."""
    return Examination(outcome=Outcome.REFUSED, findings=(finding(refused.code, refused.place),))
