"""What serving does to a database of another release before it listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from engines import EITHER, bare
from sqlalchemy import text

from app import config, revision
from app.config import SettingError, Settings
from app.database import Database
from app.operating.schema import configuration, upgrade
from app.operating.serve import _prepare

LATER = "9999"


def at(settings: Settings) -> str | None:
    database = Database(settings.database_url)
    with database.transaction(writes=False) as session:
        found = revision.present(session)
    database.close()
    return found


def go_on(settings: Settings) -> None:
    """The schema as a later release has left it."""
    database = Database(settings.database_url)
    upgrade(database)
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": LATER})
    database.close()


def test_an_embedded_database_is_brought_up_and_a_later_one_is_left(tmp_path: Path) -> None:
    settings = config.load({"KAIJUAN_DATA_DIR": str(tmp_path)}, tmp_path / "no.env")
    _prepare(settings)
    assert at(settings) == revision.wanted()
    go_on(settings)
    _prepare(settings)
    assert at(settings) == LATER


@pytest.mark.parametrize("kind", EITHER[1:])
def test_a_servers_database_is_brought_up_by_hand_and_a_later_one_is_served(
    kind: str, tmp_path: Path
) -> None:
    with bare(kind, tmp_path, "preparing") as url:
        environ = {"KAIJUAN_DATA_DIR": str(tmp_path), "KAIJUAN_DATABASE_URL": url}
        settings = config.load(environ, tmp_path / "no.env")
        with pytest.raises(SettingError, match="run `kaijuan migrate`"):
            _prepare(settings)
        database = Database(url)
        command.upgrade(configuration(database), "0001")
        database.close()
        with pytest.raises(SettingError, match="at revision 0001"):
            _prepare(settings)
        go_on(settings)
        _prepare(settings)
        assert at(settings) == LATER
