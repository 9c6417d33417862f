"""What is beside a record: covers, files, manifests, positions."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import urlopen

import pytest
from archives import epub
from house import House
from jsonschema import Draft7Validator
from PIL import Image
from referencing import Registry, Resource
from werkzeug import Response

WEBP = {"Accept": "image/webp,*/*"}


@pytest.mark.parametrize("width", [120, 240, 480, 960])
def test_covers_come_in_four_widths_and_two_forms(house: House, tmp_path: Path, width: int) -> None:
    path = f"/api/v1/books/{house.book(epub(tmp_path / 'a.epub'))}/cover?width={width}"
    for headers, form in ((WEBP, "WEBP"), ({"Accept": "image/jpeg"}, "JPEG"), ({}, "JPEG")):
        answer = house.client.get(path, headers=headers)
        assert answer.content_type == f"image/{form.lower()}"
        image = Image.open(io.BytesIO(answer.data))
        assert (image.format, image.width) == (form, min(width, 600))


def test_a_cover_outlives_its_record_in_shared_caches_by_five_minutes_at_most(
    house: House, tmp_path: Path
) -> None:
    path = f"/api/v1/books/{house.book(epub(tmp_path / 'book.epub'))}/cover"
    kept = house.client.get(path).cache_control
    assert (kept.public, kept.s_maxage, kept.max_age) == (True, 300, 86400)


def test_covers_can_be_asked_about(house: House, tmp_path: Path) -> None:
    path = f"/api/v1/books/{house.book(epub(tmp_path / 'a.epub'))}/cover"
    answer, head = house.client.get(path), house.client.head(path)
    assert (head.data, head.content_length) == (b"", len(answer.data))
    assert head.headers["ETag"] == answer.headers["ETag"]
    same = house.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    other = house.client.get(path, headers={"If-None-Match": answer.headers["ETag"], **WEBP})
    assert (same.status_code, other.status_code) == (304, 200)
    for width in ("100", "0", "-1", "wide", "240.5"):
        assert house.client.get(f"{path}?width={width}").status_code == 422, width
    assert house.client.get(f"/api/v1/books/{house.record('无封面')}/cover").status_code == 404


@pytest.mark.parametrize(
    "name", ["红楼梦 (第一版).epub", "a\nb\r.epub", "\u202egpj.epub", '".epub']
)
def test_a_download_is_the_file_under_its_own_name(house: House, tmp_path: Path, name: str) -> None:
    path = epub(tmp_path / name)
    answer = house.client.get(f"/api/v1/books/{house.book(path)}/download")
    if answer.status_code == 302:  # to the store itself, by a signed address
        assert answer.headers["Cache-Control"] == "no-store"
        answer = followed(answer)
    assert answer.data == path.read_bytes()
    said = answer.headers["Content-Disposition"]
    shown = name.replace("\n", "").replace("\r", "").replace("\u202e", "")
    assert said.startswith("attachment")
    assert shown in unquote(said) or shown.replace('"', '\\"') in said
    answer.close()


@pytest.mark.embedded
def test_what_is_downloaded_here_is_taken_for_nothing_else(house: House, tmp_path: Path) -> None:
    answer = house.client.get(f"/api/v1/books/{house.book(epub(tmp_path / 'a.epub'))}/download")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def followed(answer: Response) -> Response:
    """What the address that an answer leads to gives, whoever serves it."""
    with urlopen(answer.location or "") as found:  # noqa: S310  an address of our own store
        return Response(found.read(), headers=dict(found.headers.items()))


@pytest.mark.embedded
def test_downloads_can_be_gone_on_with(house: House, tmp_path: Path) -> None:
    file = epub(tmp_path / "a.epub")
    path, whole = f"/api/v1/books/{house.book(file)}/download", file.read_bytes()
    head = house.client.head(path)
    tag = head.headers["ETag"]
    head.close()
    for headers, status, data in (
        ({"Range": "bytes=100-"}, 206, whole[100:]),
        ({"Range": "bytes=100-199", "If-Range": tag}, 206, whole[100:200]),
        ({"Range": "bytes=100-199", "If-Range": '"other"'}, 200, whole),
        ({"If-None-Match": tag}, 304, b""),
    ):
        answer = house.client.get(path, headers=headers)
        assert (answer.status_code, answer.data) == (status, data)
        answer.close()
    outside = house.client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_head_of_a_download_says_what_get_would(house: House, tmp_path: Path) -> None:
    file = epub(tmp_path / "a.epub")
    path = f"/api/v1/books/{house.book(file)}/download"
    head, answer = house.client.head(path), house.client.get(path)
    assert (head.data, head.content_length) == (b"", len(answer.data))
    differing = {"X-Request-ID", "Date"}
    assert {*head.headers.keys()} - differing == {*answer.headers.keys()} - differing
    head.close()
    answer.close()


def test_positions_lead_through_the_book(house: House, tmp_path: Path) -> None:
    record = house.book(epub(tmp_path / "a.epub", chapters=3))
    found = house.json(f"/api/v1/books/{record}/positions")
    assert found["total"] == len(found["positions"]) >= 3
    numbers = [place["locations"]["position"] for place in found["positions"]]
    progress = [place["locations"]["totalProgression"] for place in found["positions"]]
    assert numbers == list(range(1, found["total"] + 1))
    assert progress == sorted(progress)
    assert found["positions"][0]["href"] == "OEBPS/第1章.xhtml"


def test_addresses_come_from_the_settings_and_never_from_the_host(tmp_path: Path) -> None:
    house = House(
        tmp_path / "data", public_url="https://b.example.org", content_url="https://c.example.org"
    )
    record = house.book(epub(tmp_path / "a.epub"))
    path = f"/api/v1/books/{record}/manifest"
    answer = house.client.get(path, headers={"Host": "evil.example"})
    assert "evil" not in answer.text
    assert "https://c.example.org/content/open/" in answer.text
    house.close()


@pytest.fixture(scope="module")
def schema(test_data: Path) -> Draft7Validator:
    """Readium's schema of a manifest."""
    folders = ("readium-webpub-manifest/schema", "opds-drafts")
    files = [p for f in folders for p in (test_data / "schemas" / f).rglob("*.schema.json")]
    texts = [path.read_text() for path in files]
    # Patterns name their groups as ECMA-262 does; Python writes a P before the name.
    schemas = [json.loads(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", text)) for text in texts]
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in schemas
    )
    [root] = [s for s in schemas if s["$id"].endswith("manifest/schema/publication.schema.json")]
    return Draft7Validator(root, registry=registry)


def _real(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / "epubs" / "standardebooks").rglob("*.epub"))[:4]
    yield from sorted((folder / "epubs" / "idpf-epub3-samples").rglob("*.epub"))[:12]
    yield from sorted((folder / "epubs" / "chinese-classics").rglob("*.epub"))[:3]
    yield from sorted((folder / "epubs" / "w3c-epub-tests").rglob("*.epub"))[::25]
    yield from sorted((folder / "pdfs").rglob("*.pdf"))[::40]
    yield folder / "epubs" / "other-formats" / "futuristic_tales.cbz"


def test_manifests_of_real_books_are_as_readium_says(
    house: House, test_data: Path, schema: Draft7Validator
) -> None:
    formats = set()
    for path in _real(test_data):
        taken = house.take(path)
        if taken.record is None:
            continue
        manifest = house.json(f"/api/v1/books/{taken.record}/manifest")
        formats.add(manifest["metadata"]["conformsTo"].rpartition("/")[2])
        faults = [f"{f.json_path}: {f.message[:200]}" for f in schema.iter_errors(manifest)]
        assert not faults, f"{path.name}: {faults[:3]}"
    assert formats == {"epub", "pdf", "divina"}
