"""The books of the demonstration are real ones, and the same whenever they are made."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from app.demonstration import Material, books, covers, fonts, material
from app.demonstration.books import build, handbook
from app.demonstration.markdown import chapters
from app.demonstration.volumes import VOLUMES, Volume
from app.publications.models import Outcome
from app.publications.sandbox import Examiner

LAMPLIGHT = next(volume for volume in VOLUMES if volume.is_vertical)
Made = tuple[Path, Material]


def test_every_book_is_read_without_a_single_finding(made: Made, tmp_path: Path) -> None:
    with Examiner(workers=1) as examiner:
        for number, book in enumerate(made[1].books):
            folder = tmp_path / str(number)
            folder.mkdir()
            found = examiner.examine(book.path, folder)
            assert (found.outcome, found.findings) == (Outcome.READABLE, ())
            assert any(name.startswith("cover-") for name in found.files)


def test_a_book_made_twice_is_the_same_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one = build(LAMPLIGHT, handbook(), tmp_path)
    other = build(LAMPLIGHT, handbook(), tmp_path / "again")
    assert one.read_bytes() == other.read_bytes()


def test_the_vertical_book_runs_from_right_to_left(made: Made, tmp_path: Path) -> None:
    book = next(b for b in made[1].books if b.path.name == LAMPLIGHT.filename)
    with Examiner(workers=1) as examiner:
        publication = examiner.examine(book.path, tmp_path).publication
    assert publication is not None
    assert publication.page_progression == "rtl"
    with zipfile.ZipFile(book.path) as archive:
        assert b"vertical-rl" in archive.read("EPUB/style.css")


@pytest.mark.parametrize("volume", VOLUMES, ids=lambda volume: volume.name)
def test_each_volume_has_its_title_and_six_chapters_or_more(volume: Volume) -> None:
    found = chapters((handbook() / f"{volume.name}.md").read_text(encoding="utf-8"))
    assert found[0].title == volume.title
    assert len(found) >= 6


def test_both_languages_of_a_handbook_have_as_many_chapters() -> None:
    for name in ("readers", "libraries", "operators"):
        counts = {
            len(chapters((handbook() / f"{name}.{language}.md").read_text(encoding="utf-8")))
            for language in ("zh", "en")
        }
        assert len(counts) == 1, name


def test_markup_in_the_handbook_is_text_not_html() -> None:
    found = chapters("# 书\n\n## `a` *b* 章\n\n<script>x</script>\n\n### 节\n\n文")
    assert (found[1].title, found[1].sections) == ("a b 章", (("s1", "节"),))
    assert "<script>" not in found[1].body
    assert '<h3 id="s1">' in found[1].body


def test_a_text_without_a_title_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with its title"):
        chapters("no heading")


@pytest.mark.parametrize("volume", VOLUMES[:2], ids=["chinese", "english"])
def test_covers_need_no_typeface(
    volume: Volume, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda: None)
    path = tmp_path / "cover.jpg"
    path.write_bytes(covers.draw_cover(volume))
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", (1200, 1600))


def test_a_missing_handbook_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(books, "__file__", str(tmp_path / "a" / "b" / "books.py"))
    with pytest.raises(books.HandbookMissingError):
        handbook()


def test_material_that_is_there_is_used_as_it_is(made: Made) -> None:
    folder, first = made
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert material(folder) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_classes_form_a_tree_below_the_main_ones(made: Made) -> None:
    roots = json.loads(made[1].subjects.read_bytes())
    assert len(roots) == 22
    literature = next(node for node in roots if node["code"] == "I")
    chinese = next(node for node in literature["children"] if node["code"] == "I2")
    fiction = next(node for node in chinese["children"] if node["code"] == "I24")
    assert [n["code"] for n in fiction["children"]] == ["I242", "I246"]
