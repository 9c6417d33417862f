"""Titles by which records are looked up, after a release that knew none wrote beside this one."""

from __future__ import annotations

import pytest
from house import House
from sqlalchemy import delete, select, update

from app.catalog.models import RecordRow, RecordTitle
from app.catalog.services import titles


def keys(house: House) -> dict[str, str]:
    with house.database.transaction(writes=False) as session:
        wanted = select(RecordRow.title, RecordTitle.key).join(
            RecordTitle, RecordTitle.record_id == RecordRow.id
        )
        return {row.title: row.key for row in session.execute(wanted)}


def test_what_the_release_before_added_or_renamed_is_looked_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "BATCH", 2)
    for title in ("史记", "漢書", "……", "后汉书", "三国志"):
        house.record(title)
    whole = keys(house)
    assert whole == {"史记": "史记", "漢書": "汉书", "后汉书": "后汉书", "三国志": "三国志"}
    with house.database.transaction() as session:
        session.execute(delete(RecordTitle).where(RecordTitle.key.in_(["史记", "三国志"])))
        session.execute(
            update(RecordRow).where(RecordRow.title == "后汉书").values(title="後漢書集解")
        )
    assert titles.mend(house.database) == 3
    assert keys(house) == {
        "史记": "史记", "漢書": "汉书", "後漢書集解": "后汉书集解", "三国志": "三国志",
    }  # fmt: skip
    assert titles.mend(house.database) == 0
