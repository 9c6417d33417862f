"""Uses over HTTP: each is noted, none costs an answer, each reaches the database once."""

import shutil
from pathlib import Path

from archives import epub
from house import House
from sqlalchemy import select

from app.background import take_usage
from app.usage.models import UsageFact


def facts(house: House) -> list[tuple[str, str, str]]:
    """Event, record and platform of every fact in the database."""
    take_usage(house.adapters)
    take_usage(house.adapters)
    with house.database.transaction(writes=False) as session:
        return [(f.event, f.record, f.platform) for f in session.scalars(select(UsageFact))]


def test_searching_looking_opening_and_downloading_are_noted_once(
    house: House, tmp_path: Path
) -> None:
    found = house.book(epub(tmp_path / "a.epub"))
    for path in ("/api/v1/search?q=书", f"/books/{found}", *(
        f"/api/v1/books/{found}{more}" for more in ("", "/manifest", "/download")
    )):  # fmt: skip
        house.client.get(path).close()
    assert sorted(facts(house)) == sorted([
        ("search", "", "api"), ("view", found, "web"), ("view", found, "api"),
        ("open", found, "api"), ("download", found, "api"),
    ])  # fmt: skip


def test_asking_whether_it_is_there_is_no_use(house: House, tmp_path: Path) -> None:
    found = house.book(epub(tmp_path / "a.epub"))
    for more in ("", "/manifest", "/download"):
        house.client.head(f"/api/v1/books/{found}{more}").close()
    assert facts(house) == []


def test_the_parts_of_a_download_are_one(house: House, tmp_path: Path) -> None:
    found = house.book(epub(tmp_path / "a.epub"))
    for part in ("bytes=0-", "bytes=10-19", "bytes=20-"):
        path = f"/api/v1/books/{found}/download"
        house.client.get(path, headers={"Range": part}).close()
    assert facts(house) == [("download", found, "api")]


def test_a_spool_that_cannot_be_written_costs_no_answer(house: House) -> None:
    found = house.record("红楼梦")
    folder = house.settings.data_dir / "usage"
    shutil.rmtree(folder)
    folder.write_text("a file stands where the folder was")
    assert house.json(f"/api/v1/books/{found}")["id"] == found
    assert house.json("/api/v1/search?q=没有")["total"] == 0


def test_facts_name_nobody(house: House) -> None:
    house.get("/api/v1/search?q=没有这样的书", headers={"User-Agent": "某人的手机"})
    spooled = b"".join(p.read_bytes() for p in (house.settings.data_dir / "usage").glob("*.jsonl"))
    assert spooled
    assert b"127.0.0.1" not in spooled
    assert "某人的手机".encode() not in spooled
