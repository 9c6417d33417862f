"""What was audited is backed up with its seals, and a restore is the first thing after them."""

from pathlib import Path

import pytest
from house import House

from app.identity.services import audit, seals

from .backups import library, said

pytestmark = pytest.mark.embedded


def test_the_chain_holds_after_a_restore(tmp_path: Path) -> None:
    house = library(tmp_path / "data")
    for number in range(3):
        with house.database.transaction() as session:
            audit.note(session, audit.SYSTEM, "thing.done", f"thing:{number}")
        if number < 2:
            seals.seal_new(house.database)
    house.close()
    taken = said(house.settings.data_dir, "backup", tmp_path / "target")["backup"]["generation"]
    said(tmp_path / "new", "restore", tmp_path / "target")
    found = said(tmp_path / "new", "audit", "verify")
    assert (found["seals"], found["events"], found["waiting"], found["fault"]) == (2, 2, 2, None)
    again = House(tmp_path / "new")
    assert seals.seal_new(again.database) == 2
    again.close()
    said(tmp_path / "new", "audit", "export", tmp_path / "trail")
    assert f"backup:{taken}" in (tmp_path / "trail").read_text()
