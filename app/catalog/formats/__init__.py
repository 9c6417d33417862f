"""Formats of records: each reads one record after the other and knows no database."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from app.catalog.formats.candidates import Candidate, RecordFormat
from app.catalog.formats.delimited import Csv
from app.catalog.formats.jsonl import JsonLines
from app.errors import Fault, InvalidError
from app.lines import Refusal

NAMES = ("jsonl", "csv")
_LONGEST_SOURCE = 64

__all__ = ["NAMES", "Candidate", "RecordFormat", "Refusal", "open_format"]


def open_format(path: Path, name: str | None = None, *, library: str) -> RecordFormat:
    """The reader for this file of ``library``: by its name, or by looking at its beginning.

    :raises InvalidError: when the file is of no known format.
    """
    name = name or _sniff(path)
    if name == "jsonl":
        return JsonLines(path)
    if name == "csv":
        return Csv(path, source=source_of(library, path.stem))
    message = f"not a known format; name one with --format: {', '.join(NAMES)}"
    raise InvalidError(Fault(path.name, "format-unknown", message))


def source_of(library: str, stem: str) -> str:
    """The source of records whose file names none: two libraries' files are never taken for one."""
    whole = f"{library}/{stem}"
    if len(whole) <= _LONGEST_SOURCE:
        return whole
    mark = "~" + blake2b(whole.encode(), digest_size=8).hexdigest()
    return whole[: _LONGEST_SOURCE - len(mark)] + mark


def _sniff(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith((b"\x1f\x8b", b"{")):
        return "jsonl"
    if path.suffix.lower() in (".csv", ".txt") or b"," in start.partition(b"\n")[0]:
        return "csv"
    return None
