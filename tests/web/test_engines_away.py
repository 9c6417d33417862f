"""Engines that are away, full or silent: said as such, soon, and nothing half-done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from archives import epub
from away import Switched, closed_port, store_away
from house import House
from sqlalchemy.exc import InternalError, OperationalError

from app import config
from app.adapters import open_adapters
from app.errors import NoRoomError
from app.factory import create_app
from app.jobs.queries import figures
from app.room import Room
from app.scratch import Scratch
from app.storage.errors import StoreFullError, StoreUnavailableError
from app.storage.local import LocalStore
from app.usage.spool import Spool
from app.web.health import Checks

NEVER = 2**62
"""Bytes that no disk has free."""


def without_store(house: House) -> Switched:
    away = store_away(house.adapters.store)
    house.open_doors(replace(house.adapters, store=away))  # type: ignore[arg-type]
    return away


def refusal(answer: Any) -> tuple[int, str, bool]:
    return answer.status_code, answer.content_type, int(answer.headers["Retry-After"]) > 0


AWAY = (503, "application/problem+json", True)


def test_chapters_and_covers_are_refused_for_now_while_the_store_is_away(
    house: House, tmp_path: Path
) -> None:
    record = house.book(epub(tmp_path / "book.epub"))
    manifest = house.json(f"/api/v1/books/{record}/manifest")
    chapter = manifest["readingOrder"][0]["href"]
    away = without_store(house)
    cover = house.client.get(f"/api/v1/books/{record}/cover", headers={"Accept": "image/*"})
    assert refusal(cover) == AWAY
    for gzip in ("gzip", "identity"):
        answer = house.client.get(chapter, headers={"Accept-Encoding": gzip})
        assert refusal(answer) == AWAY
    assert house.client.get(f"/api/v1/books/{record}/manifest").status_code == 200
    away.error = None
    house.open_doors()
    assert house.client.get(chapter).status_code == 200


def test_a_file_that_is_sent_while_the_store_is_away_leaves_nothing_behind(house: House) -> None:
    without_store(house)
    sent = house.client.post(
        "/api/v1/imports?name=a.jsonl&format=jsonl", data=b"{}", headers=house.token()
    )
    assert refusal(sent) == AWAY
    with house.database.transaction(writes=False) as session:
        assert not any(figures(session).counts.values())


def test_a_full_store_is_no_room_and_not_a_fault_of_ours(house: House) -> None:
    away = without_store(house)
    away.error = StoreFullError("full")
    sent = house.client.post(
        "/api/v1/imports?name=a.jsonl&format=jsonl", data=b"{}", headers=house.token()
    )
    assert (sent.status_code, sent.headers["Retry-After"]) == (503, "60")
    assert "no room" in sent.json["detail"]


class RefusedError(Exception):
    """What a driver raises."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (OperationalError("INSERT", {}, RefusedError("53100")), "60"),
        (InternalError("INSERT", {}, RefusedError("25006")), "60"),
        (OperationalError("SELECT", {}, RefusedError("57P01")), "5"),
        (StoreUnavailableError("away", retryable=True), "5"),
    ],
)
def test_what_an_engine_fails_with_is_never_a_fault_of_ours(
    house: House, error: Exception, seconds: str
) -> None:
    def fail() -> None:
        raise error

    house.app.view_functions["web-health.alive"] = fail
    answer = house.client.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, seconds)


def test_readiness_gives_up_a_check_that_hangs_and_does_not_begin_it_twice() -> None:
    begun: list[int] = []
    hangs = Event()

    def hang() -> str:
        begun.append(1)
        hangs.wait(60)
        return "back"

    checks = Checks({"index": hang, "database": lambda: "here"}, patience=0.01)
    for _ in range(3):
        states = checks.run()
    away = states["index"]
    assert (away.ok, away.degraded, states["database"].ok) == (False, True, True)
    assert len(begun) == 1
    hangs.set()


def test_only_the_database_takes_readiness_away(house: House) -> None:
    without_store(house)
    ready = house.client.get("/readyz")
    assert (ready.status_code, ready.json["store"]["ok"]) == (200, False)
    assert ready.json["store"]["degraded"]
    assert house.client.get("/healthz").status_code == 200


def test_without_its_database_a_process_lives_and_says_what_is_missing(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{closed_port()}/none"
    environ = {"KAIJUAN_DATA_DIR": str(tmp_path), "KAIJUAN_DATABASE_URL": url}
    settings = config.load(environ, tmp_path / "no.env")
    adapters = open_adapters(settings)
    client = create_app(settings, adapters).test_client()
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["database"]["ok"], ready.json["store"]["ok"]) == (
        *(503, False, True),
    )
    for path in ("/api/v1/books", "/api/v1/search?q=史记"):
        assert refusal(client.get(path)) == AWAY
    adapters.index.close()
    adapters.database.close()


def test_temporary_files_are_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    scratch._room = Room(tmp_path, least=NEVER)
    with pytest.raises(NoRoomError), scratch.folder():
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_objects_are_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put_bytes("derived/a", b"kept")
    store._room = Room(tmp_path, least=NEVER)
    with pytest.raises(StoreFullError):
        store.put_bytes("derived/b", b"refused")
    assert (list(store.keys()), store.read("derived/a")) == (["derived/a"], b"kept")


def test_facts_are_given_up_before_the_disk_is_full(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = house.record("红楼梦")
    monkeypatch.setattr(Spool, "append", _without_room(Spool.append))
    assert house.client.get(f"/api/v1/books/{record}").status_code == 200
    assert not any((house.settings.data_dir / "usage").iterdir())


def _without_room(append: Any) -> Any:
    def refused(spool: Spool, fact: Any) -> None:
        spool._room = Room(spool.folder, least=NEVER)
        append(spool, fact)

    return refused
