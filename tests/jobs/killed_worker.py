"""A worker for tests to kill: ``-m jobs.killed_worker DATABASE_URL FOLDER``.

Its jobs leave a file, then a row that may be there once, with checkpoints between; its drain moves
rows of its own. It says ``ready`` once it works.
"""

import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert

from app.database import Database
from app.jobs.bell import open_bell
from app.jobs.registry import Registry
from app.jobs.work import Work
from app.jobs.worker import Worker

from .house import written

registry: Registry[Path] = Registry()


@registry.job("tests.killed", max_attempts=50, lease=timedelta(seconds=60))
def write(work: Work[Path]) -> None:
    key = str(work.payload["number"])
    for step in range(work.progress["step"] if work.progress else 0, 3):
        work.checkpoint({"step": step + 1})
    (work.context / key).touch()
    work.finish(lambda session: session.execute(insert(written).values(key=key)))


def main(url: str, folder: Path) -> None:
    worker = Worker(
        Database(url),
        registry,
        folder,
        open_bell(f"sqlite:///{folder.parent}/bell.sqlite"),
        drains={"tests.drain": lambda: 0},
        grace=timedelta(seconds=5),
    )
    print("ready", flush=True)  # noqa: T201  (its parent reads it)
    worker.run_until_signal()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
