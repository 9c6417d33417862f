"""Every resource of every shared EPUB, read over HTTP, is what `unzip -p` would give."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from house import House
from sqlalchemy import select

from app.catalog.models import HeldPublication, PublicationEntry
from app.catalog.services.ingest import Intake, ingest
from app.identity import tree
from app.publications.sandbox import Examiner

OBFUSCATED = 1_040
FONTS = (b"OTTO", b"\0\1\0\0", b"true", b"ttcf", b"wOFF", b"wOF2")


@pytest.fixture(scope="module")
def library(
    test_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, dict[str, Path]]]:
    """A library of every shared EPUB, and the file of each record."""
    house = House(tmp_path_factory.mktemp("library"))
    with house.database.transaction() as session:
        owner = tree.default(session).id
    files = sorted((test_data / "epubs").rglob("*.epub"))
    with Examiner(workers=2) as examiner, ThreadPoolExecutor(2) as pool:
        intake = Intake(house.database, house.adapters.store, examiner, owner)
        taken = list(pool.map(lambda path: ingest(intake, path), files))
    yield house, {t.record: p for t, p in zip(taken, files, strict=True) if t.record}
    house.close()


def resources(house: House, record: str) -> list[tuple[str, str]]:
    """The prefix of the address and the path of everything that is served of a record."""
    wanted = (
        select(PublicationEntry.sha256, PublicationEntry.path)
        .join(HeldPublication, HeldPublication.sha256 == PublicationEntry.sha256)
        .where(HeldPublication.record_id == record, PublicationEntry.withheld.is_(None))
    )
    with house.database.transaction(writes=False) as session:
        return [
            (f"/content/open/{record}-{row.sha256[:16]}/", row.path)
            for row in session.execute(wanted)
        ]


def is_the_original_font(sent: bytes, packed: bytes) -> bool:
    """Whether only the masked beginning differs, and a font begins there now."""
    return sent.startswith(FONTS) and sent[OBFUSCATED:] == packed[OBFUSCATED:]


def test_what_is_read_is_what_was_packed(library: tuple[House, dict[str, Path]]) -> None:
    house, files = library
    seen = 0
    for record, file in files.items():
        with zipfile.ZipFile(file) as archive:
            for prefix, path in resources(house, record):
                answer = house.client.get(prefix + quote(path), headers={"Accept-Encoding": "gzip"})
                packed = archive.read(path)
                assert answer.status_code == 200, f"{file.name}: {path}"
                is_packed = "Content-Encoding" in answer.headers
                sent = gzip.decompress(answer.data) if is_packed else answer.data
                if sent != packed:
                    assert is_the_original_font(sent, packed), f"{file.name}: {path}"
                seen += 1
    assert (len(files) > 400, seen > 5_000) == (True, True)
