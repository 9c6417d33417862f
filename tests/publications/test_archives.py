"""Archives: what may be passed through, what is withheld, and what is refused."""

import os
import stat
import zlib
from pathlib import Path

import pytest

from app.publications.entries import gzip_frame
from app.publications.examine import examine_file
from app.publications.limits import Limits
from app.publications.models import Entry, Examination
from tests.publications.archives_made import Packed, archive, book, write

CHAPTER = "OEBPS/c1.xhtml"


def examined(tmp_path: Path, data: bytes, limits: Limits | None = None) -> Examination:
    return examine_file(write(tmp_path, data), tmp_path / "out", limits or Limits())


def entry_of(examination: Examination, path: str) -> Entry:
    return next(entry for entry in examination.entries if entry.path == path)


def codes(examination: Examination) -> set[str]:
    return {finding.code for finding in examination.findings}


def passed_through(data: bytes, entry: Entry) -> bytes:
    head, tail = gzip_frame(entry)
    return zlib.decompress(head + data[entry.offset :][: entry.compressed] + tail, 31)


@pytest.mark.parametrize(
    "data",
    [
        archive(book()),
        archive(book(chapter=Packed(CHAPTER, descriptor=True))),
        archive(book(chapter=Packed(CHAPTER, local_extra=b"\xca\xfe\3\0abc"))),
        archive(book(chapter=Packed(CHAPTER, zip64=True))),
        archive(book(), zip64=True),
        archive(book(), prefix=b"PK\3\4 these bytes are no archive"),
        archive(book(), suffix=b"\n"),
    ],
    ids=["plain", "descriptor", "local extra", "zip64 entry", "zip64 end", "prefix", "suffix"],
)
def test_a_chapter_is_found_and_passed_through_in_every_honest_form(
    data: bytes, tmp_path: Path
) -> None:
    entry = entry_of(examined(tmp_path, data), CHAPTER)
    assert entry.passthrough
    assert "山不在高" in passed_through(data, entry).decode()


@pytest.mark.parametrize(
    ("chapter", "code"),
    [
        (Packed(CHAPTER, trailing=b"more"), "entry-trailing"),
        (Packed(CHAPTER, crc=1), "entry-crc"),
        (Packed(CHAPTER, size=5), "entry-size"),
    ],
)
def test_a_chapter_that_is_not_as_it_says_is_copied_and_never_passed_through(
    chapter: Packed, code: str, tmp_path: Path
) -> None:
    examination = examined(tmp_path, archive(book(chapter=chapter)))
    entry = entry_of(examination, CHAPTER)
    assert (entry.passthrough, entry.withheld) == (False, None)
    assert "山不在高" in (tmp_path / "out" / str(entry.copy)).read_text()
    assert code in codes(examination)


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (Packed("OEBPS/x.png", b"x", flags=0x801), "entry-encrypted"),
        (Packed("OEBPS/x.png", b"x", method=12), "entry-method"),
        (Packed("OEBPS/x.png", b"x", mode=stat.S_IFLNK | 0o777), "entry-special"),
        (Packed("OEBPS/x.png", b"x", mode=stat.S_IFCHR), "entry-special"),
        (Packed("OEBPS/x.png", b"x", raw=b"\xff\xff\xff"), "entry-damaged"),
        (Packed("OEBPS/x.png", b"x", method=0, size=9), "entry-damaged"),
        (Packed("OEBPS/x.png", b"x", local_name=b"OEBPS/y.png"), "entry-header"),
    ],
)
def test_what_cannot_be_trusted_is_withheld_and_the_rest_is_read(
    odd: Packed, code: str, tmp_path: Path
) -> None:
    examination = examined(tmp_path, archive(book(odd)))
    assert entry_of(examination, "OEBPS/x.png").withheld == code
    assert entry_of(examination, CHAPTER).passthrough
    assert code in codes(examination)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.xhtml",
        "/etc/passwd",
        "C:/evil.xhtml",
        "OEBPS\\..\\..\\evil.xhtml",
        "OEBPS/a\0b.png",
        "OEBPS/\u202egnp.exe",
        "OEBPS/./x.png",
        "OEBPS//x.png",
        "a/" * 40 + "x.png",
        "x" * 2000,
    ],
)
def test_an_entry_whose_name_is_not_safe_is_left_out(name: str, tmp_path: Path) -> None:
    examination = examined(tmp_path, archive(book(Packed(name, b"x"))))
    assert "path-unsafe" in codes(examination)
    assert len(examination.entries) == len(book())
    assert {path.name for path in tmp_path.iterdir()} == {"book.epub", "out"}


def test_names_in_gb18030_and_with_backslashes_are_understood(tmp_path: Path) -> None:
    chinese = Packed("OEBPS/插图.png".encode("gb18030"), b"x", flags=0)
    examination = examined(tmp_path, archive(book(chinese, Packed("OEBPS\\b.png", b"y"))))
    assert {"OEBPS/插图.png", "OEBPS/b.png"} <= {entry.path for entry in examination.entries}
    assert {"path-encoding", "path-backslash"} <= codes(examination)


def test_names_that_differ_only_in_case_are_reported_and_both_kept(tmp_path: Path) -> None:
    examination = examined(tmp_path, archive(book(Packed("OEBPS/C1.XHTML", b"<p/>"))))
    assert "path-collision" in codes(examination)
    assert len(examination.entries) == len(book()) + 1


def test_of_two_entries_of_one_name_the_last_counts(tmp_path: Path) -> None:
    twice = Packed("OEBPS/x.css", b"a{}"), Packed("OEBPS/x.css", b"body{}")
    examination = examined(tmp_path, archive(book(*twice)))
    assert entry_of(examination, "OEBPS/x.css").size == 6
    assert "path-duplicate" in codes(examination)


def test_an_archive_whose_entries_overlap_is_refused(tmp_path: Path) -> None:
    examination = examined(tmp_path, archive(book(Packed("OEBPS/x.png", b"x", at=5))))
    assert (examination.outcome, examination.findings[-1].code) == ("refused", "zip-overlap")


def test_an_archive_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    entries = book(*(Packed(f"OEBPS/{number}.png", b"") for number in range(20)))
    examination = examined(tmp_path, archive(entries), Limits(entries=10))
    assert examination.findings[-1].code == "too-many-entries"


def test_an_entry_that_inflates_without_end_is_withheld(tmp_path: Path) -> None:
    bomb = Packed("OEBPS/x.bmp", bytes(64 * 1024 * 1024))
    examination = examined(tmp_path, archive(book(bomb)))
    assert entry_of(examination, "OEBPS/x.bmp").withheld == "entry-bomb"
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) < 1000


def test_an_archive_that_is_a_bomb_as_a_whole_is_refused(tmp_path: Path) -> None:
    bombs = (Packed(f"OEBPS/{n}.bmp", bytes(8 * 1024 * 1024)) for n in range(40))
    examination = examined(tmp_path, archive(book(*bombs)))
    assert examination.findings[-1].code == "archive-bomb"


def test_an_archive_that_is_cut_off_anywhere_ends_in_a_report(tmp_path: Path) -> None:
    whole = archive(book())
    for length in range(0, len(whole), 37):
        examination = examined(tmp_path, whole[:length])
        assert examination.outcome == "refused"
        assert examination.findings


def test_an_archive_with_any_byte_damaged_ends_in_a_report_or_is_read(tmp_path: Path) -> None:
    whole = archive(book())
    for at in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        examination = examined(tmp_path, bytes(damaged))
        assert examination.publication or examination.findings


@pytest.mark.parametrize(
    ("name", "data", "copied"),
    [
        ("OEBPS/a.mp3", b"ID3" + bytes(9), True),
        ("OEBPS/v.mp4", bytes(9), True),
        ("OEBPS/p.pdf", b"%PDF-", True),
        ("OEBPS/large.css", os.urandom(1024 * 1024 + 1), True),
        ("OEBPS/small.css", b"a{}", False),
    ],
)
def test_deflated_media_and_large_entries_become_stored_copies(
    name: str, data: bytes, copied: bool, tmp_path: Path
) -> None:
    entry = entry_of(examined(tmp_path, archive(book(Packed(name, data)))), name)
    assert bool(entry.copy) is copied
    if entry.copy:
        assert (tmp_path / "out" / entry.copy).read_bytes() == data


def test_stored_media_stay_where_they_are(tmp_path: Path) -> None:
    data = archive(book(Packed("OEBPS/a.mp3", b"ID3sound", method=0)))
    entry = entry_of(examined(tmp_path, data), "OEBPS/a.mp3")
    assert entry.stored
    assert data[entry.offset :][: entry.size] == b"ID3sound"
