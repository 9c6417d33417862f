"""A disk that is nearly full: changes wait, reading goes on."""

from pathlib import Path

import pytest
from house import House

from app import room
from app.errors import NoRoomError
from app.room import Room


def test_changes_are_refused_before_the_disk_is_full(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, token = house.record("史记"), house.token()
    monkeypatch.setattr(house.database, "_room", Room(house.settings.data_dir, least=2**62))
    refused = house.client.post(
        "/api/v1/records", json={"description": {"title": "汉书"}}, headers=token
    )
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert str(house.settings.data_dir) not in refused.text
    assert house.client.get(f"/api/v1/books/{record}").status_code == 200


def test_the_system_is_asked_once_a_second_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    real = room.os.statvfs
    monkeypatch.setattr(room.os, "statvfs", lambda path: (asked.append(path), real(path))[1])
    here = Room(tmp_path, least=2**62)
    for _ in range(3):
        with pytest.raises(NoRoomError):
            here.require()
    assert asked == [tmp_path]
