"""Catalogue records of the shared file as documents: what the search benchmarks are run on."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from search.documents import Document

_YEAR = re.compile(r"(?<![0-9])(1[0-9]{3}|20[0-9]{2})(?![0-9])")
_LANGUAGES = {"eng": "en", "en-US": "en", "fre": "fr", "spa": "es"}


class Record(msgspec.Struct):
    """The fields of a record that a search looks at."""

    src: str
    id: str
    title: str | None = None
    creator: list[str | None] | None = None
    publisher: str | None = None
    date: str | None = None
    isbn: str | None = None
    subjects: list[str | None] | None = None
    lang: str | None = None
    extra: dict[str, object] | None = None


def records_file() -> Path:
    """Where the records are; SystemExit with the reason when ``KAIJUAN_TEST_DATA`` is not set."""
    folder = os.environ.get("KAIJUAN_TEST_DATA")
    if not folder:
        raise SystemExit("KAIJUAN_TEST_DATA is not set: there are no records to measure with")
    return Path(folder) / "catalog" / "records.jsonl.gz"


def documents(path: Path) -> Iterator[Document]:
    """Every record of a JSON-lines file, gzipped or not, that has a title."""
    decode = msgspec.json.Decoder(Record).decode
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for place, line in enumerate(lines):
            record = decode(line)
            if record.title:
                yield document(record, place)


def document(record: Record, place: int) -> Document:
    """One record as a document; ``place`` orders them by time."""
    extra = record.extra or {}
    subjects = tuple(subject for subject in record.subjects or () if subject)
    year = _YEAR.search(record.date or "")
    language = record.lang or ""
    return Document(
        id=f"{record.src}|{record.id}",
        version=1,
        kind="book" if record.src in ("gutenberg", "goodbooks10k", "classics-epub") else "item",
        title=record.title or "",
        agents=tuple(creator for creator in record.creator or () if creator),
        subjects=subjects,
        subject_codes=subjects,
        publisher=record.publisher or "",
        description=str(extra.get("intro") or extra.get("desc") or ""),
        identifiers=tuple(filter(None, (_isbn(record.isbn), record.id))),
        language=_LANGUAGES.get(language, language),
        year=int(year[1]) if year else None,
        library=record.src,
        library_path=f"/{record.src}/",
        available=record.src == "gutenberg",
        added_at=f"2026-01-01T00:00:00.{place:06}Z",
    )


def _isbn(written: str | None) -> str:
    """A number that lost its leading zeros in a spreadsheet has them again."""
    return written.rjust(10, "0") if written and written[:-1].isdigit() else written or ""
