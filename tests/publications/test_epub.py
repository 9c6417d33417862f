"""EPUBs: what is understood of the many ways in which books say things."""

import hashlib
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.publications.covers import WIDTHS, cover_name
from app.publications.examine import examine_file
from app.publications.limits import Limits
from app.publications.models import Agent, Examination, Identifier, Publication, TocEntry
from app.publications.text import read_chapters
from tests.publications.archives_made import CHAPTER, CONTAINER, Packed, archive, book, write

NAV = """<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>
<nav epub:type="toc"><ol><li><a href="c1.xhtml">卷一</a><ol><li><a href="c1.xhtml#s">其一</a></li>
</ol></li><li><span>附</span><ol><li><a href="%E4%BA%8C.xhtml">二</a></li></ol></li>
<li><a href="gone.xhtml">无</a></li></ol></nav></body></html>"""
IMAGE_AND_PAGE = """<item id="i" href="i.png" media-type="image/png"/>
<item id="p" href="p.xhtml" media-type="application/xhtml+xml"/>"""
NCX = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>甲</text>
</navLabel><content src="c1.xhtml"/></navPoint></navMap></ncx>"""
ENCRYPTED = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>
<enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData>
<enc:CipherReference URI="{path}"/></enc:CipherData></enc:EncryptedData></encryption>"""


def examined(tmp_path: Path, entries: list[Packed]) -> Examination:
    return examine_file(write(tmp_path, archive(entries)), tmp_path / "out", Limits())


def publication(tmp_path: Path, entries: list[Packed]) -> Publication:
    found = examined(tmp_path, entries).publication
    assert found
    return found


def codes(examination: Examination) -> set[str]:
    return {finding.code for finding in examination.findings}


def png(width: int, height: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_refined_metadata_is_understood(tmp_path: Path) -> None:
    metadata = """<dc:title id="t">正题</dc:title>
<meta refines="#t" property="title-type">main</meta>
<meta refines="#t" property="file-as">zhengti</meta><dc:creator id="a">曹雪芹</dc:creator>
<meta refines="#a" property="role">aut</meta><dc:contributor id="b">霍克思</dc:contributor>
<meta refines="#b" property="role">trl</meta><dc:date>光绪二十二年(1896)</dc:date>
<dc:identifier>urn:isbn:978-7-02-000220-7</dc:identifier><dc:subject>小说</dc:subject>
<dc:description>&lt;p&gt;满纸&lt;b&gt;荒唐&lt;/b&gt;言&lt;/p&gt;</dc:description>
<meta property="rendition:layout">pre-paginated</meta>"""
    book_ = book(metadata=metadata, spine=' page-progression-direction="rtl"')
    found = publication(tmp_path, book_)
    assert (found.title, found.other_titles, found.sort_title) == ("正题", ("书",), "zhengti")
    assert found.agents == (Agent("曹雪芹", "aut"), Agent("霍克思", "trl"))
    assert found.published == "光绪二十二年(1896)"
    assert Identifier("978-7-02-000220-7", "isbn") in found.identifiers
    assert (found.description, found.subjects) == ("满纸荒唐言", ("小说",))
    assert (found.layout, found.page_progression) == ("fixed", "rtl")


def test_epub_2_roles_and_series_of_calibre_are_understood(tmp_path: Path) -> None:
    metadata = """<dc:creator xmlns:opf="http://www.idpf.org/2007/opf" opf:role="edt"
opf:file-as="Ji">纪昀</dc:creator><meta name="calibre:series" content="四库"/>
<meta name="calibre:series_index" content="3"/>"""
    found = publication(tmp_path, book(metadata=metadata))
    assert found.agents == (Agent("纪昀", "edt", "Ji"),)
    assert (found.series, found.series_position) == ("四库", "3")


def test_control_and_direction_characters_leave_the_metadata(tmp_path: Path) -> None:
    examination = examined(tmp_path, book(metadata="<dc:publisher>a\u202eb</dc:publisher>"))
    assert examination.publication
    assert examination.publication.publisher == "ab"
    assert "metadata-characters" in codes(examination)


def test_a_navigation_document_gives_a_nested_table_of_contents(tmp_path: Path) -> None:
    second = Packed("OEBPS/二.xhtml", CHAPTER.format(title="二", text="文").encode())
    manifest = """<item id="n" href="nav.xhtml" media-type="application/xhtml+xml"
properties="nav"/><item id="c2" href="%E4%BA%8C.xhtml" media-type="application/xhtml+xml"/>"""
    entries = book(Packed("OEBPS/nav.xhtml", NAV.encode()), second, manifest=manifest)
    examination = examined(tmp_path, entries)
    assert examination.publication
    inner = TocEntry("其一", "OEBPS/c1.xhtml", "s")
    assert examination.publication.toc == (
        TocEntry("卷一", "OEBPS/c1.xhtml", children=(inner,)),
        TocEntry("附", children=(TocEntry("二", "OEBPS/二.xhtml"),)),
    )
    assert examination.publication.reading_order[0].title == "卷一"
    assert "toc-broken" in codes(examination)


def test_an_ncx_is_read_where_there_is_no_navigation_document(tmp_path: Path) -> None:
    manifest = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    entries = book(Packed("OEBPS/toc.ncx", NCX.encode()), manifest=manifest, spine=' toc="ncx"')
    assert publication(tmp_path, entries).toc == (TocEntry("甲", "OEBPS/c1.xhtml"),)


def test_without_a_table_of_contents_the_reading_order_stands_for_it(tmp_path: Path) -> None:
    assert publication(tmp_path, book()).toc == (TocEntry("第一章", "OEBPS/c1.xhtml"),)


@pytest.mark.parametrize(
    ("metadata", "manifest", "guide"),
    [
        ("", '<item id="i" href="i.png" media-type="image/png" properties="cover-image"/>', ""),
        ('<meta name="cover" content="i"/>', '<item id="i" href="i.png" media-type="x"/>', ""),
        (
            "",
            IMAGE_AND_PAGE,
            '<guide><reference type="cover" href="p.xhtml"/></guide>',
        ),
        ("", '<item id="i" href="./I.PNG" media-type="image/png" properties="cover-image"/>', ""),
    ],
    ids=["property", "meta", "guide", "other case"],
)
def test_a_cover_is_found_in_every_usual_way(
    metadata: str, manifest: str, guide: str, tmp_path: Path
) -> None:
    image = Packed("OEBPS/i.png", png(300, 400))
    page = Packed("OEBPS/p.xhtml", b"<html><body><img src='i.png'/></body></html>")
    entries = book(image, page, metadata=metadata, manifest=manifest, guide=guide)
    assert publication(tmp_path, entries).cover == "OEBPS/i.png"
    for width in WIDTHS:
        for kind in ("webp", "jpg"):
            with Image.open(tmp_path / "out" / cover_name(width, kind)) as preview:
                assert preview.width == min(width, 300)


def test_a_cover_with_too_many_pixels_is_reported_and_not_decoded(tmp_path: Path) -> None:
    head = png(1, 1)
    chunk = b"IHDR" + (30000).to_bytes(4) + (30000).to_bytes(4) + b"\x08\x02\0\0\0"
    huge = head[:12] + chunk + zlib.crc32(chunk).to_bytes(4) + head[33:]
    manifest = '<item id="i" href="i.png" media-type="image/png" properties="cover-image"/>'
    examination = examined(tmp_path, book(Packed("OEBPS/i.png", huge), manifest=manifest))
    assert examination.publication
    assert "cover-large" in codes(examination)


@pytest.mark.parametrize(
    ("algorithm", "identifier", "key", "span"),
    [
        (
            "http://www.idpf.org/2008/embedding",
            "urn:x:1",
            hashlib.sha1(b"urn:x:1", usedforsecurity=False).digest(),
            1040,
        ),
        ("http://ns.adobe.com/pdf/enc#RC", "urn:uuid:" + "0123abcd" * 4, None, 1024),
    ],
)
def test_an_obfuscated_font_is_restored_into_a_copy(
    algorithm: str, identifier: str, key: bytes | None, span: int, tmp_path: Path
) -> None:
    font = b"OTTO" + bytes(range(256)) * 8
    key = key or bytes.fromhex("0123abcd" * 4)
    masked = bytes(b ^ key[i % len(key)] if i < span else b for i, b in enumerate(font))
    notice = ENCRYPTED.format(algorithm=algorithm, path="OEBPS/f.otf")
    metadata = f"<dc:identifier>{identifier}</dc:identifier>"
    more = Packed("META-INF/encryption.xml", notice.encode()), Packed("OEBPS/f.otf", masked)
    examination = examined(tmp_path, book(*more, metadata=metadata))
    entry = next(e for e in examination.entries if e.path == "OEBPS/f.otf")
    assert (tmp_path / "out" / str(entry.copy)).read_bytes() == font
    assert (entry.crc, entry.passthrough) == (zlib.crc32(font), False)


def test_a_font_that_is_clear_already_is_left_alone(tmp_path: Path) -> None:
    notice = ENCRYPTED.format(algorithm="http://www.idpf.org/2008/embedding", path="OEBPS/f.otf")
    more = Packed("META-INF/encryption.xml", notice.encode()), Packed("OEBPS/f.otf", b"OTTO clear")
    examination = examined(tmp_path, book(*more))
    assert next(e for e in examination.entries if e.path == "OEBPS/f.otf").passthrough
    assert "font-clear" in codes(examination)


def test_a_locked_resource_is_withheld_and_a_locked_book_refused(tmp_path: Path) -> None:
    notice = ENCRYPTED.format(algorithm="urn:lock", path="OEBPS/i.png")
    more = Packed("META-INF/encryption.xml", notice.encode()), Packed("OEBPS/i.png", b"x")
    entries = {entry.path: entry for entry in examined(tmp_path, book(*more)).entries}
    assert entries["OEBPS/i.png"].withheld == "resource-encrypted"
    notice = ENCRYPTED.format(algorithm="urn:lock", path="OEBPS/c1.xhtml")
    locked = examined(tmp_path, book(Packed("META-INF/encryption.xml", notice.encode())))
    assert locked.findings[-1].code == "drm"


def test_a_book_without_mimetype_and_container_is_read_all_the_same(tmp_path: Path) -> None:
    examination = examined(tmp_path, book()[2:])
    assert examination.publication
    assert {"mimetype-missing", "container-missing"} <= codes(examination)


def test_a_book_without_a_package_is_refused(tmp_path: Path) -> None:
    container = Packed("META-INF/container.xml", CONTAINER.encode())
    assert examined(tmp_path, [container]).findings[-1].code == "package-missing"


def test_a_malformed_chapter_is_read_and_sent_as_html(tmp_path: Path) -> None:
    broken = Packed("OEBPS/c1.xhtml", b"<html><body><p>one<br>two<p>three &amp</body>")
    examination = examined(tmp_path, book(chapter=broken))
    entry = next(e for e in examination.entries if e.path == "OEBPS/c1.xhtml")
    assert entry.media_type == "text/html"
    assert "three" in examination.opening
    assert "xml-malformed" in codes(examination)


def test_the_text_has_a_line_a_block_and_no_ruby_or_scripts(tmp_path: Path) -> None:
    html = """<html xmlns="http://www.w3.org/1999/xhtml"><head><style>p{}</style></head><body>
<h1>题 目</h1><p>山不在高，
   有仙则名。<br/>水<ruby>不<rt>bù</rt></ruby>在深</p><!-- no --><script>x()</script>
<p>one
two&nbsp;three</p></body></html>"""
    path = write(tmp_path, archive(book(chapter=Packed("OEBPS/c1.xhtml", html.encode()))))
    examination = examine_file(path, tmp_path / "out", Limits())
    [chapter] = read_chapters(tmp_path / "out", examination)
    assert chapter.text == "题 目\n山不在高，有仙则名。\n水不在深\none two three"
    assert "script" in codes(examination)


def test_entities_are_not_expanded_and_files_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("treasure")
    doctype = f"""<!DOCTYPE html [<!ENTITY x SYSTEM "file://{tmp_path}/secret">
<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>"""
    html = doctype + "<html><body><p>&x;&b;</p></body></html>"
    examination = examined(tmp_path, book(chapter=Packed("OEBPS/c1.xhtml", html.encode())))
    assert "treasure" not in examination.opening
    assert "aaaa" not in examination.opening
    assert "xml-entities" in codes(examination)


def test_koreader_knows_the_file_by_the_same_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    digest = hashlib.md5(usedforsecurity=False)
    for offset in (0, 1024, 4096):
        digest.update(data[offset : offset + 1024])
    examination = examine_file(write(tmp_path, data), tmp_path / "out", Limits())
    assert examination.partial_md5 == digest.hexdigest()
    assert examination.sha256 == hashlib.sha256(data).hexdigest()
