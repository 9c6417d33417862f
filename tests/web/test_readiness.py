"""Readiness asks for the schema of this release, which nothing is served without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from engines import EITHER, bare
from sqlalchemy import text

from app import config, revision
from app.adapters import Adapters, open_adapters
from app.config import Settings
from app.factory import create_app
from app.operating.schema import configuration


@pytest.fixture(params=EITHER)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An installation whose database has no table."""
    with bare(request.param, tmp_path, "readiness") as url:
        environ = {"KAIJUAN_DATA_DIR": str(tmp_path), "KAIJUAN_DATABASE_URL": url}
        yield config.load(environ, tmp_path / "no.env")


@pytest.fixture
def adapters(settings: Settings) -> Iterator[Adapters]:
    """Its engines."""
    made = open_adapters(settings)
    yield made
    made.index.close()
    made.database.close()


def test_a_process_is_not_ready_before_its_database_was_migrated(
    settings: Settings, adapters: Adapters
) -> None:
    client = create_app(settings, adapters).test_client()
    steps = configuration(adapters.database)

    def ready() -> tuple[int, Any]:
        answer = client.get("/readyz")
        return answer.status_code, answer.json["schema"]  # type: ignore[index]

    status, told = ready()
    assert (status, told["ok"]) == (503, False)
    assert "the database is empty" in told["detail"]
    assert "run `kaijuan migrate`" in told["detail"]
    command.upgrade(steps, "0001")
    status, told = ready()
    assert (status, "at revision 0001" in told["detail"]) == (503, True)
    command.upgrade(steps, "head")
    assert ready() == (200, {"ok": True, "detail": f"at {revision.wanted()}"})
    with adapters.database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ready()[0] == 200  # the release after this one, which this one serves beside


def test_revisions_are_numbered_in_their_order(settings: Settings, adapters: Adapters) -> None:
    scripts = ScriptDirectory.from_config(configuration(adapters.database))
    numbers = [step.revision for step in scripts.walk_revisions()][::-1]
    assert numbers == sorted(numbers)
    assert revision.wanted() == scripts.get_current_head()
