"""A rebuild killed at random moments, while readers search and records change."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import cast

from house import House, json_lines

from app.catalog.services import reindexing
from search.alias import AliasedIndex
from search.index import Query

RECORDS = 7_000
KILLS = 4


def start(house: House) -> subprocess.Popen[bytes]:
    """``kaijuan reindex`` as a process of its own."""
    environ = {**os.environ, "KAIJUAN_DATA_DIR": str(house.settings.data_dir)}
    command = [sys.executable, "-m", "app.cli", "reindex", "--json"]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)


def await_a_step(rebuild: subprocess.Popen[bytes], alias: AliasedIndex) -> None:
    """Until it has remembered how far it is, or is done."""
    before = alias.pointer.checkpoint()
    while rebuild.poll() is None and alias.pointer.checkpoint() == before:
        time.sleep(0.01)


@contextmanager
def readers(house: House) -> Iterator[list[int]]:
    """Search without end for a record that is always there; gives how many each search found."""
    totals: list[int] = []
    stopping = Event()

    def search() -> None:
        while not stopping.is_set():
            totals.append(house.adapters.index.search(Query(words="永在的书")).total)

    thread = Thread(target=search)
    thread.start()
    try:
        yield totals
    finally:
        stopping.set()
        thread.join()


def test_a_rebuild_killed_again_and_again_ends_right_and_leaves_no_gap(
    house: House, tmp_path: Path
) -> None:
    house.import_file(json_lines(tmp_path / "many.jsonl", [{}] * RECORDS))
    house.record("永在的书")
    alias, chance = cast(AliasedIndex, house.adapters.index), random.Random(4)
    killed = 0
    with readers(house) as totals:
        for number in range(KILLS):
            rebuild = start(house)
            withdrawn = house.record(f"撤下的第{number}部")
            house.record(f"新增的第{number}部")
            await_a_step(rebuild, alias)
            time.sleep(chance.uniform(0.0, 0.3))
            rebuild.send_signal(signal.SIGKILL)
            killed += rebuild.wait() == -signal.SIGKILL
            house.withdraw(withdrawn)
        assert start(house).wait() == 0
    found = reindexing.verify(house.database, alias)
    assert (found.differing, found.waiting, found.documents) == (0, 0, RECORDS + 1 + KILLS)
    assert killed > 1
    assert alias.generation > "g000001"
    assert set(totals) == {1}
