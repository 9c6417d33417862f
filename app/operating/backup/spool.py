"""The spool of usage facts, which each machine has for itself.

Facts are known by an id of their own: one that is both in a backup's database and in its spool is
counted once.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from app.usage.drain import REJECTED
from app.usage.spool import SUFFIX


def copy(data_dir: Path, into: Path) -> None:
    """Copies what lies in the spool now, over what was copied before.

    Called before the database is read and again afterwards: a file that was delivered and removed
    in between is among the earlier copies, facts that were added to one are in the later.
    """
    into.mkdir(exist_ok=True)
    folder = data_dir / "usage"
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix == SUFFIX or path.name == REJECTED:
            with suppress(FileNotFoundError):  # delivered just now
                shutil.copyfile(path, into / path.name)


def give_back(path: Path, data_dir: Path, name: str) -> None:
    """Puts a file of facts into the spool, whole, to be delivered by the next worker."""
    folder = data_dir / "usage"
    folder.mkdir(exist_ok=True)
    fresh = folder / f"{name}.restored"
    shutil.copyfile(path, fresh)
    fresh.replace(folder / name)
