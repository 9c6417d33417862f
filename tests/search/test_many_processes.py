"""Processes that write one index together, and die in the middle of it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from shelves import Shelf

from search.alias import AliasedIndex
from search.backends.sqlite import open_generations
from search.documents import Document
from search.rebuild import Rebuild

PATIENCE = 60.0
BATCH = 100


def document(identifier: str) -> Document:
    return Document(id=identifier, version=1, kind="book", title=f"县志 {identifier}")


def ids_of(name: str, batch: int) -> list[str]:
    return [f"{name}-{batch:06}-{one:03}" for one in range(BATCH)]


def write(folder: Path, name: str) -> None:
    """Write for ever, and say each id once it is acknowledged."""
    index = open_generations(folder / "index")
    with (folder / name).open("a", buffering=1) as said:
        for batch in count():
            ids = ids_of(name, batch)
            index.write(map(document, ids))
            said.write("".join(f"{one}\n" for one in ids))


def rebuild(folder: Path, name: str) -> None:
    """Rebuild from the file of records, and say how far it has come."""
    index = open_generations(folder / "index")
    source = [document(one) for one in (folder / "records").read_text().split()]
    with (folder / name).open("a", buffering=1) as said:
        Rebuild(index, lambda progress: print(progress.done, file=said)).run(Shelf(source))


class Processes:
    """Python processes that work on the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, __file__, str(self._folder), name]
        process = subprocess.Popen(command, env={"PYTHONPATH": str(Path(__file__).parents[2])})
        self._running.append(process)
        return process

    def said(self, name: str) -> list[str]:
        """The whole lines that a process wrote."""
        path = self._folder / name
        return path.read_text().rpartition("\n")[0].split() if path.exists() else []

    def kill(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGKILL)
            process.wait()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.02)


def lost(alias: AliasedIndex, ids: list[str]) -> set[str]:
    return set(ids).difference(alias.versions(ids))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.kill()


@pytest.fixture
def alias(tmp_path: Path) -> Iterator[AliasedIndex]:
    alias = open_generations(tmp_path / "index")
    yield alias
    alias.close()


def test_a_writer_killed_loses_nothing_and_stops_no_other(
    alias: AliasedIndex, processes: Processes
) -> None:
    victim = processes.start("victim")
    processes.start("other")
    wait_until(lambda: len(processes.said("victim")) > 500)
    victim.kill()
    victim.wait()
    before = len(processes.said("other"))
    wait_until(lambda: len(processes.said("other")) > before + 500)
    processes.kill()
    said = processes.said("victim") + processes.said("other")
    assert lost(alias, said) == set()
    assert alias.count() % BATCH == 0  # batches are whole or not at all


def test_a_rebuild_killed_goes_on_with_what_was_written_meanwhile(
    alias: AliasedIndex, processes: Processes, tmp_path: Path
) -> None:
    records = [f"r{number:05}" for number in range(12_000)]
    (tmp_path / "records").write_text("\n".join(records))
    processes.start("writer")
    wait_until(lambda: len(processes.said("writer")) > 100)
    rebuilder = processes.start("rebuild")
    wait_until(lambda: len(processes.said("rebuild")) > 0)
    rebuilder.kill()
    rebuilder.wait()
    before = len(processes.said("writer"))
    wait_until(lambda: len(processes.said("writer")) > before + 300)
    processes.kill()
    said = processes.said("writer")
    building = alias.generations.building
    under_way = ids_of("writer", len(said) // BATCH)
    source = [document(one) for one in sorted([*records, *said, *under_way])]
    Rebuild(alias).run(Shelf(source))
    assert alias.generation == building == "g000002"
    assert lost(alias, [*records, *said]) == set()


if __name__ == "__main__":
    work = rebuild if sys.argv[2] == "rebuild" else write
    work(Path(sys.argv[1]), sys.argv[2])
