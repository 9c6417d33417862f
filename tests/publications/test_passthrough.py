"""A chapter that is passed through decodes to what an unzipper reads."""

import zipfile
import zlib
from pathlib import Path

import pytest

from app.publications.entries import gzip_frame
from app.publications.examine import examine_file
from app.publications.limits import Limits
from app.publications.models import Entry

FOLDERS = (
    "chinese-classics",
    "epub-handbook-zh",
    "epubcheck-valid",
    "epubjs",
    "idpf-epub3-samples",
    "standardebooks",
    "w3c-epub-tests",
)


def delivered(raw: bytes, entry: Entry, folder: Path) -> bytes:
    """The bytes a client ends up with, by the way delivery takes for this entry."""
    if entry.copy:
        return (folder / entry.copy).read_bytes()
    data = raw[entry.offset : entry.offset + entry.compressed]
    if entry.stored:
        return data
    head, tail = gzip_frame(entry)
    return zlib.decompress(head + data + tail, 31)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_resource_of_every_real_book_equals_what_an_unzipper_reads(
    name: str, test_data: Path, tmp_path: Path
) -> None:
    for number, book in enumerate(sorted((test_data / "epubs" / name).iterdir())):
        folder = tmp_path / str(number)
        examination = examine_file(book, folder, Limits())
        restored = {f.place for f in examination.findings if f.code == "font-obfuscated"}
        raw = book.read_bytes()
        with zipfile.ZipFile(book) as archive:
            for entry in examination.entries:
                if not entry.withheld and entry.path not in restored:
                    assert delivered(raw, entry, folder) == archive.read(entry.path), entry.path
