"""A worker killed twenty times while it imports and indexes: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from app import background, config
from app.adapters import Adapters, open_adapters
from app.catalog.models import Import, RecordRow
from app.catalog.services import dirty
from app.config import Settings
from app.identity import tree
from app.jobs import enqueue
from app.jobs.models import Job
from app.operating.doctor import examine
from app.operating.schema import upgrade

RECORDS = 12_000
KILLS = 20
PATIENCE = 180


def records(path: Path) -> None:
    """A file of made-up records, each of its own."""
    with path.open("w") as file:
        for number in range(RECORDS):
            record = {"src": "test", "id": f"r{number}", "title": f"县志第{number}卷", "lang": "zh"}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker process on this library."""
    environ = {
        **os.environ,
        "KAIJUAN_DATA_DIR": str(settings.data_dir),
        "KAIJUAN_LOG_LEVEL": "error",
    }
    return subprocess.Popen([sys.executable, "-m", "app.cli", "worker"], env=environ)


def send(settings: Settings, adapters: Adapters, path: Path) -> str:
    """Has the file imported by a worker, as the API does."""
    background.open_desk(settings, adapters)
    adapters.store.put_file("intake/sent", path)
    with adapters.database.transaction() as session:
        owner = tree.default(session).id
        return enqueue(
            session, "catalog.import_records", key="intake/sent", name=path.name,
            format=None, library=owner, account=None,
        )  # fmt: skip


def is_settled(adapters: Adapters, job_id: str) -> bool:
    """Whether the import is done and the index has heard of everything."""
    with adapters.database.transaction(writes=False) as session:
        state = session.scalar(select(Job.state).where(Job.id == job_id))
        return state == "done" and dirty.waiting(session)[0] == 0


def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    settings = config.load({"KAIJUAN_DATA_DIR": str(tmp_path / "var")}, tmp_path / "no.env")
    adapters = open_adapters(settings)
    upgrade(adapters.database)
    records(tmp_path / "records.jsonl")
    job_id = send(settings, adapters, tmp_path / "records.jsonl")
    chance = random.Random(7)
    for _ in range(KILLS):
        worker = start_worker(settings)
        time.sleep(chance.uniform(0.6, 2.2))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    last = start_worker(settings)
    deadline = time.monotonic() + PATIENCE
    while not is_settled(adapters, job_id) and time.monotonic() < deadline:
        time.sleep(0.2)
    last.terminate()
    assert last.wait(30) == 0
    assert_whole(settings, adapters)


def assert_whole(settings: Settings, adapters: Adapters) -> None:
    """Every record once, one import that counted them, an index that agrees."""
    with adapters.database.transaction(writes=False) as session:
        assert session.scalar(select(func.count()).select_from(RecordRow)) == RECORDS
        assert session.scalar(select(func.count(func.distinct(RecordRow.source_id)))) == RECORDS
        batch = session.scalars(select(Import)).one()
        assert (batch.state, batch.read, batch.added) == ("done", RECORDS, RECORDS)
    assert adapters.index.count() == RECORDS
    wrong = [d for d in examine(settings, adapters) if not d.ok]
    assert not wrong, msgspec.json.encode(wrong)
    adapters.index.close()
    adapters.database.close()
