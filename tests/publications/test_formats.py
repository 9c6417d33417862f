"""PDF, CBZ, plain text and HTML; and what is told from what by its content."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.publications.encodings import decode_text
from app.publications.examine import examine_file
from app.publications.limits import Limits
from app.publications.models import Agent, Examination, Format
from app.publications.positions import positions_of
from app.publications.stylesheets import clean_css
from app.publications.text import read_chapters
from app.publications.txt import split_chapters
from tests.publications.archives_made import Packed, archive, book, write

NOVEL = """《石头记》
作者：曹雪芹

第一回 甄士隐梦幻识通灵
此开卷第一回也。作者自云：因曾历过一番梦幻之后。
第二回　贾夫人仙逝扬州城
却说封肃因听见公差传唤，忙出来陪笑启问。
"""


def examined(tmp_path: Path, data: bytes, name: str) -> Examination:
    return examine_file(write(tmp_path, data, name), tmp_path / "out", Limits())


def image(kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (200, 300), "navy").save(buffer, kind)
    return buffer.getvalue()


def pdf(pages: int) -> bytes:
    buffer = BytesIO()
    first, *others = [Image.new("RGB", (60, 80), "white") for _ in range(pages)]
    first.save(buffer, "PDF", save_all=True, append_images=others, title="图录", author="某馆")
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_a_chinese_novel_becomes_a_book_with_chapters(encoding: str, tmp_path: Path) -> None:
    examination = examined(tmp_path, NOVEL.encode(encoding), "x.txt")
    found = examination.publication
    assert found
    assert (found.format, found.title, found.languages) == (Format.TXT, "石头记", ("zh",))
    assert found.agents == (Agent("曹雪芹", "aut"),)
    assert [line.title for line in found.toc][1:] == [
        "第一回 甄士隐梦幻识通灵",
        "第二回 贾夫人仙逝扬州城",
    ]
    chapters = list(read_chapters(tmp_path / "out", examination))
    assert "因曾历过一番梦幻之后。" in chapters[1].text


def test_traditional_text_in_big5_is_recognised() -> None:
    text = "此開卷第一回也。作者自云：因曾歷過一番夢幻之後，故將真事隱去。" * 3
    assert decode_text(text.encode("big5")).text == text


def test_a_few_damaged_bytes_do_not_change_the_encoding() -> None:
    decoded = decode_text(("山不在高，有仙则名。" * 500).encode() + b"\xff")
    assert (decoded.encoding, decoded.losses) == ("utf-8", 1)


def test_the_same_text_makes_the_same_book(tmp_path: Path) -> None:
    path = write(tmp_path, NOVEL.encode(), "x.txt")
    made = [examine_file(path, tmp_path / out, Limits()).made for out in ("a", "b")]
    assert made == ["made.epub", "made.epub"]
    first, second = (tmp_path / out / "made.epub" for out in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_text_without_headings_is_cut_into_parts() -> None:
    parts = list(split_chapters(["字" * 1000] * 45))
    assert [(name, len(lines)) for name, lines in parts] == [("1", 20), ("2", 20), ("3", 5)]


def test_a_sentence_that_mentions_a_chapter_is_no_heading() -> None:
    lines = ["第一章 开端", "第二回我来的时候，他不在。", "第二章 结尾", "完。"]
    assert [name for name, _ in split_chapters(lines)] == ["第一章 开端", "第二章 结尾"]


def test_a_page_is_cleaned_of_all_that_acts_or_fetches(tmp_path: Path) -> None:
    page = b"""<!doctype html><html lang="zh"><head><title>T</title><style>@import "x";
p{color:red;background:url(//h/x)}</style><script>alert(1)</script></head><body onload="x()">
<h1>A</h1><p>one<br>two</p><img src="//h/x.png"><a href="javascript:x()">y</a>
<iframe src="//h"></iframe><svg onload="x()"></svg><h2>B</h2></body></html>"""
    examination = examined(tmp_path, page, "x.html")
    with zipfile.ZipFile(tmp_path / "out" / "made.epub") as made:
        text = "".join(made.read(n).decode() for n in made.namelist() if n.startswith("EPUB/c1"))
    assert not any(trap in text for trap in ("alert", "onload", "javascript", "//h", "<iframe"))
    assert examination.publication
    [line] = examination.publication.toc
    assert [below.title for below in line.children] == ["A", "B"]


def test_style_sheets_keep_what_neither_fetches_nor_runs() -> None:
    css = "@font-face{src:url(x)} p{color:red;width:expression(1)} @media print{a{top:0}}"
    assert clean_css(css) == "p{color:red}\n@media print{a{top:0}}"


def test_the_pages_of_a_comic_come_in_natural_order(tmp_path: Path) -> None:
    info = b"""<ComicInfo><Title>T</Title><Writer>W</Writer><Manga>YesAndRightToLeft</Manga>
<LanguageISO>zh</LanguageISO></ComicInfo>"""
    names = ["p10.png", "p2.png", "p1.png", "__MACOSX/p1.png"]
    pages = [Packed(name, image(), method=0) for name in names]
    data = archive([*pages, Packed("p3.png", b"no image"), Packed("ComicInfo.xml", info)])
    examination = examined(tmp_path, data, "x.cbz")
    found = examination.publication
    assert found
    assert [page.path for page in found.reading_order] == ["p1.png", "p2.png", "p10.png"]
    assert (found.title, found.page_progression, found.layout) == ("T", "rtl", "fixed")
    assert "page-broken" in {finding.code for finding in examination.findings}
    assert "cover-480.webp" in examination.files


def test_a_pdf_gives_pages_metadata_and_a_cover(tmp_path: Path) -> None:
    data = pdf(3)
    examination = examined(tmp_path, data, "x.pdf")
    found = examination.publication
    assert found
    assert (found.title, found.agents, found.page_count) == ("图录", (Agent("某馆"),), 3)
    [entry] = examination.entries
    assert (entry.offset, entry.size, entry.stored) == (0, len(data), True)
    assert "cover-960.jpg" in examination.files
    assert [place.fragment for place in positions_of(examination)] == ["page=1", "page=2", "page=3"]


def test_positions_count_every_kilobyte_of_a_chapter(tmp_path: Path) -> None:
    chapter = Packed("OEBPS/c1.xhtml", b"<p/>".ljust(2500), method=0)
    places = positions_of(examined(tmp_path, archive(book(chapter=chapter)), "x.epub"))
    assert [place.position for place in places] == [1, 2, 3]
    assert [round(place.progression, 2) for place in places] == [0, 0.33, 0.67]


def test_what_a_file_is_called_does_not_matter(tmp_path: Path) -> None:
    examination = examined(tmp_path, pdf(1), "x.epub")
    assert examination.publication
    assert examination.publication.format is Format.PDF
    assert "extension-differs" in {finding.code for finding in examination.findings}


@pytest.mark.parametrize(
    ("head", "code", "place"),
    [
        (b"", "empty", ""),
        (b"Rar!\x1a\x07", "kind-unsupported", "RAR/CBR"),
        (b"AT&TFORM", "kind-unsupported", "DjVu"),
        (bytes(60) + b"BOOKMOBI", "kind-unsupported", "MOBI/AZW"),
        (b"<?xml version='1.0'?><FictionBook xmlns='x'>", "kind-unsupported", "FB2"),
        (b"7z\xbc\xaf\x27\x1c", "kind-unsupported", "7z/CB7"),
        (image(), "kind-unsupported", "image"),
        (bytes(range(256)) * 20, "kind-unknown", ""),
        (b"%PDF-1.7 and nothing else", "pdf-broken", None),
    ],
)
def test_what_is_not_supported_is_refused_by_its_kind(
    head: bytes, code: str, place: str | None, tmp_path: Path
) -> None:
    examination = examined(tmp_path, head, "x.epub")
    assert examination.outcome == "refused"
    assert examination.findings[-1].code == code
    assert place is None or examination.findings[-1].place == place


def test_a_file_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    examination = examine_file(tmp_path / "gone.epub", tmp_path / "out", Limits())
    assert examination.findings[-1].code == "unreadable"
