"""Every file of the shared material ends in a report; none escapes, hangs or stops the next."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.publications.findings import chinese
from app.publications.kinds import KINDS
from app.publications.limits import Limits
from app.publications.models import Examination
from app.publications.sandbox import Examiner

FOLDERS = (
    "epubs",
    "pdfs",
    "malicious/generated-epubs",
    "malicious/image-upload",
    "malicious/oxml_xxe",
    "malicious/pdf-payloads",
    "malicious/pillow-images",
    "malicious/yauzl-zip-corpus",
    "invalid-epubs/epubcheck-error",
    "invalid-epubs/epubcheck-warning",
)
NAMED = {
    "bomb-64MiB-entry.epub": "entry-bomb",
    "case-collision.epub": "path-collision",
    "cover-png-30000x30000.epub": "cover-large",
    "deep-dirs.epub": "path-unsafe",
    "device-entry.epub": "entry-special",
    "drm-encryption-xml.epub": "drm",
    "encrypted-flag.epub": "entry-encrypted",
    "long-name.epub": "path-unsafe",
    "many-entries-70000.epub": "too-many-entries",
    "manifest-file-url.epub": "manifest-outside",
    "manifest-traversal.epub": "manifest-outside",
    "metadata-bidi-ctrl.epub": "metadata-characters",
    "mimetype-crlf.epub": "mimetype-wrong",
    "mimetype-missing.epub": "mimetype-missing",
    "nul-in-name.epub": "path-unsafe",
    "rootfile-traversal.epub": "container-missing",
    "script-xhtml.epub": "script",
    "svg-script-cover.epub": "cover-vector",
    "symlink-dir-then-write.epub": "entry-special",
    "trailing-garbage.epub": "zip-trailing",
    "truncated-eocd.epub": "zip-truncated",
    "xxe-opf-file.epub": "xml-entities",
    "xxe-xhtml.epub": "xml-entities",
    "zipslip-absolute.epub": "path-unsafe",
    "zipslip-drive.epub": "path-unsafe",
    "zipslip-relative.epub": "path-unsafe",
    "zipslip-unicode-slash.epub": "path-unsafe",
}


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    with Examiner(Limits(wall_seconds=30), 1) as pool:
        yield pool


def assert_in_order(examination: Examination, out: Path) -> None:
    assert examination.publication or examination.findings
    assert not {"parser-died", "timeout"} & {finding.code for finding in examination.findings}
    assert {file.name for file in out.glob("*")} == set(examination.files)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_ends_in_a_report(
    folder: str, test_data: Path, tmp_path: Path, examiner: Examiner
) -> None:
    files = sorted(path for path in (test_data / folder).rglob("*") if path.is_file())
    for number, path in enumerate(files):
        out = tmp_path / "out" / str(number)
        assert_in_order(examiner.examine(path, out), out)


@pytest.mark.parametrize(("name", "code"), NAMED.items())
def test_what_is_wrong_with_a_hostile_book_is_named(
    name: str, code: str, test_data: Path, tmp_path: Path, examiner: Examiner
) -> None:
    path = test_data / "malicious" / "generated-epubs" / name
    examination = examiner.examine(path, tmp_path / "out")
    assert code in {finding.code for finding in examination.findings}


def test_damaged_copies_of_real_books_end_in_a_report(
    test_data: Path, tmp_path: Path, examiner: Examiner
) -> None:
    chance = random.Random(3)
    for folder in ("epubs/epubcheck-valid", "pdfs"):
        for path in chance.sample(sorted((test_data / folder).iterdir()), 15):
            data = bytearray(path.read_bytes())
            for _ in range(20):
                data[chance.randrange(len(data))] = chance.randrange(256)
            damaged = tmp_path / path.name
            damaged.write_bytes(data[: chance.randrange(len(data) // 2, len(data))])
            examination = examiner.examine(damaged, tmp_path / "out" / path.name)
            assert examination.publication or examination.findings


def test_every_finding_has_a_sentence_in_both_languages() -> None:
    for code, kind in KINDS.items():
        assert kind.english.endswith(".")
        assert chinese(code).endswith("。")
