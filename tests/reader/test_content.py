"""Content over HTTP: bytes as they lie in the archive, conditions, ranges, headers, grants."""

import gzip
import hashlib
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine
from archives import epub
from house import House
from sqlalchemy import select, update

from app.catalog.models import PublicationEntry, StoredPublication
from app.catalog.services import changes
from app.database import now

GZIP = {"Accept-Encoding": "gzip"}
CHAPTER = "OEBPS/第1章.xhtml"
COVER = "OEBPS/cover.png"
SAID = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>
<enc:EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/><enc:CipherData>
<enc:CipherReference URI="OEBPS/f.otf"/></enc:CipherData></enc:EncryptedData></encryption>"""


def base(house: House, record: str, headers: dict[str, str] | None = None) -> str:
    """Where a manifest says the content lies."""
    manifest = house.json(f"/api/v1/books/{record}/manifest", headers=headers)
    return str(manifest["readingOrder"][0]["href"]).rpartition("OEBPS/")[0]


def entry(house: House, record: str, path: str) -> tuple[PublicationEntry, StoredPublication]:
    """What the index says of a resource of the one book there is."""
    with house.database.transaction(writes=False) as session:
        row = session.scalars(select(PublicationEntry).where(PublicationEntry.path == path)).one()
        return row, session.get_one(StoredPublication, row.sha256)


@pytest.mark.parametrize("level", [1, 9])
def test_a_chapter_is_sent_as_it_lies_in_the_archive(
    house: House, tmp_path: Path, level: int
) -> None:
    path = epub(tmp_path / "a.epub", level=level)
    record = house.book(path)
    sent = house.client.get(base(house, record) + quote(CHAPTER), headers=GZIP)
    row, _ = entry(house, record, CHAPTER)
    assert sent.headers["Content-Encoding"] == "gzip"
    assert sent.data[10:-8] == path.read_bytes()[row.offset : row.offset + row.compressed]
    assert sent.data[-8:] == row.crc.to_bytes(4, "little") + row.size.to_bytes(4, "little")
    assert zlib.crc32(gzip.decompress(sent.data)) == row.crc


def test_both_forms_say_the_same_and_know_their_lengths(house: House, tmp_path: Path) -> None:
    where = base(house, house.book(epub(tmp_path / "a.epub")))
    for path in (CHAPTER, COVER, "OEBPS/nav.xhtml"):
        plain = house.client.get(where + quote(path))
        packed = house.client.get(where + quote(path), headers=GZIP)
        for answer in (plain, packed):
            assert answer.content_length == len(answer.data)
            assert answer.headers["Vary"] == "Accept-Encoding"
        is_packed = "Content-Encoding" in packed.headers
        assert (gzip.decompress(packed.data) if is_packed else packed.data) == plain.data
        assert is_packed == (path != COVER)
        assert (packed.headers["ETag"] != plain.headers["ETag"]) == is_packed


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip;q=0", False), ("identity", False), ("br, gzip;q=0.1", True), ("*", True), ("", False)],
)
def test_the_client_chooses_the_form(
    house: House, tmp_path: Path, coding: str, packed: bool
) -> None:
    path = base(house, house.book(epub(tmp_path / "a.epub"))) + quote(CHAPTER)
    answer = house.client.get(path, headers={"Accept-Encoding": coding})
    assert ("Content-Encoding" in answer.headers) == packed


def test_a_range_is_of_the_identity_form(house: House, tmp_path: Path) -> None:
    path = base(house, house.book(epub(tmp_path / "a.epub"))) + quote(CHAPTER)
    whole = house.client.get(path).data
    for asked, part in (
        ("bytes=10-19", whole[10:20]), ("bytes=-5", whole[-5:]), ("bytes=7-", whole[7:]),
    ):  # fmt: skip
        answer = house.client.get(path, headers={**GZIP, "Range": asked})
        assert (answer.status_code, answer.data) == (206, part)
        assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")
    outside = house.client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert outside.content_type == "application/problem+json"


def test_conditions_hold_for_the_form_they_were_given_for(house: House, tmp_path: Path) -> None:
    path = base(house, house.book(epub(tmp_path / "a.epub"))) + quote(CHAPTER)
    plain, packed = (house.client.get(path, headers=h).headers["ETag"] for h in ({}, GZIP))

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return house.client.get(path, headers=named).status_code

    assert status(If_None_Match=plain) == status(If_None_Match=packed, **_GZIP) == 304
    assert status(If_None_Match=packed) == status(If_None_Match=plain, **_GZIP) == 200
    assert status(If_None_Match="*") == 304
    assert status(If_Range=plain, Range="bytes=0-1") == 206
    assert status(If_Range=packed, Range="bytes=0-1") == 200


_GZIP = {"Accept_Encoding": "gzip"}


@pytest.mark.parametrize("asked", [{}, GZIP, {"Range": "bytes=0-9"}])
def test_head_says_what_get_would(house: House, tmp_path: Path, asked: dict[str, str]) -> None:
    where = base(house, house.book(epub(tmp_path / "a.epub")))
    varying = ("X-Request-ID", "Date")
    for path in (CHAPTER, COVER):
        head = house.client.head(where + quote(path), headers=asked)
        without = {k: v for k, v in asked.items() if k != "Range"}
        answer = house.client.get(where + quote(path), headers=without)
        assert (head.status_code, head.data) == (200, b"")
        assert [h for h in head.headers if h[0] not in varying] == [
            h for h in answer.headers if h[0] not in varying
        ]


def test_what_is_withheld_is_not_there(house: House, tmp_path: Path) -> None:
    record = house.book(epub(tmp_path / "a.epub"))
    where = base(house, record)
    with house.database.transaction() as session:
        hide = update(PublicationEntry).where(PublicationEntry.path == CHAPTER)
        session.execute(hide.values(withheld="encrypted"))
    answer = house.client.get(where + quote(CHAPTER))
    assert (answer.status_code, "encrypted" in answer.text) == (404, True)


def test_large_deflated_resources_are_ranged_copies(house: House, tmp_path: Path) -> None:
    data = bytes(range(256)) * 8_000
    where = base(house, house.book(epub(tmp_path / "a.epub", more={"s.mp3": data})))
    answer = house.client.get(where + "OEBPS/s.mp3", headers={"Range": "bytes=1000000-1000009"})
    assert (answer.status_code, answer.data) == (206, data[1_000_000:1_000_010])
    assert entry(house, "", "OEBPS/s.mp3")[0].copy_key


def test_an_obfuscated_font_is_sent_as_the_original(house: House, tmp_path: Path) -> None:
    font = b"OTTO" + bytes(range(256)) * 8
    key = hashlib.sha1(b"urn:x:1", usedforsecurity=False).digest() * 52
    masked = bytes(a ^ b for a, b in zip(font, key, strict=False)) + font[1_040:]
    book = epub(
        tmp_path / "a.epub", more={"f.otf": masked}, beside={"META-INF/encryption.xml": SAID}
    )
    assert house.client.get(base(house, house.book(book)) + "OEBPS/f.otf").data == font


def test_every_answer_keeps_hostile_content_in_its_cage(house: House, tmp_path: Path) -> None:
    where = base(house, house.book(epub(tmp_path / "a.epub")))
    for path, headers, status in (
        (quote(CHAPTER), {}, 200), (quote(CHAPTER), {"If-None-Match": "*"}, 304),
        (quote(CHAPTER), {"Range": "bytes=9999999-"}, 416), ("nothing.xhtml", {}, 404),
        ("../../META-INF/x", {}, 404),
    ):  # fmt: skip
        answer = house.client.get(where + path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers


def test_restricted_content_is_read_by_a_grant_and_nothing_else(
    house: House, tmp_path: Path
) -> None:
    record = house.book(epub(tmp_path / "a.epub"))
    other = house.book(epub(tmp_path / "b.epub", title="另一书", identifier="urn:x:2"))
    _restrict(house, record)
    _restrict(house, other)
    refused = house.client.get(f"/api/v1/books/{record}/manifest")
    assert (refused.status_code, refused.json["reason"]) == (403, "sign-in")  # type: ignore[index]
    token = {"Authorization": f"Bearer {house.secret('token', None)}"}
    where, elsewhere = base(house, record, token), base(house, other, token)
    assert house.client.get(where + quote(CHAPTER)).status_code == 200
    grant, held = where.split("/")[2:4]
    forged = grant[:-3] + ("AA=" if grant[-3] != "A" else "BA=")
    foreign = elsewhere.split("/")[2]
    for wrong in ("open", forged, foreign, "x", "长", "AAAA", grant.lower()):
        answer = house.client.get(f"/content/{quote(wrong)}/{held}/{quote(CHAPTER)}")
        assert answer.status_code in (403, 422), wrong


def test_a_grant_ends_repeats_within_its_window_and_outlives_the_turning_of_keys(
    tmp_path: Path,
) -> None:
    old, new = "o" * 40, "n" * 40
    house = House(tmp_path / "data", secret_keys=old)
    record = house.book(epub(tmp_path / "a.epub"))
    _restrict(house, record)
    token = house.token(days=2)
    with time_machine.travel(now(), tick=False) as clock:
        path = base(house, record, token) + quote(CHAPTER)
        assert base(house, record, token) + quote(CHAPTER) == path
        turned = House(tmp_path / "data", secret_keys=f"{new},{old}")
        answer = turned.client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"][:16]) == (
            200,
            "private, max-age",
        )
        clock.shift(31 * 60)
        assert turned.client.get(path).status_code == 403
    turned.close()
    house.close()


def test_content_stops_at_once_when_its_record_does(house: House, tmp_path: Path) -> None:
    record = house.book(epub(tmp_path / "a.epub"))
    path = base(house, record) + quote(CHAPTER)
    assert "public" in house.client.get(path).headers["Cache-Control"]
    house.withdraw(record)
    assert house.client.get(path).status_code == 403
    assert house.client.get(f"/api/v1/books/{record}/manifest").status_code == 410


def _restrict(house: House, record: str, policy: str = "signed-in") -> None:
    with house.database.transaction() as session:
        changes.load(session, record).policy = policy
