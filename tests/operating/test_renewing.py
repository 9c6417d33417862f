"""Serving after an upgrade: an index of another release is built anew, not served broken."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from away import closed_port
from house import House

from app.adapters import open_adapters, search_folder
from app.catalog.services.leading import leading
from app.operating.serve import renew_index

pytestmark = pytest.mark.embedded


def of_another_release(house: House) -> None:
    """Makes the live index look as if another release had written it."""
    house.adapters.index.close()
    path = search_folder(house.settings.search_url) / f"{house.adapters.index.generation}.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = -1 WHERE name = 'analysis'")


def test_an_index_of_another_release_is_built_anew_before_serving(house: House) -> None:
    record = house.record("红楼梦")
    of_another_release(house)
    renew_index(house.settings)
    fresh = open_adapters(house.settings)
    assert fresh.index.versions([record]) == {record: 1}
    fresh.index.close()
    fresh.database.close()


def test_an_engine_that_is_away_is_no_reason_to_rebuild_nor_not_to_serve(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(house.settings, search_url=f"http://127.0.0.1:{closed_port()}")
    renew_index(settings)
    assert "without search for now" in capsys.readouterr().err


def test_an_index_that_another_machine_builds_is_no_reason_not_to_serve(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.record("红楼梦")
    of_another_release(house)
    with leading(house.database):
        renew_index(house.settings)
    assert "without search for now" in capsys.readouterr().err
