"""``python -m bench.million``: as many records as are wanted, as a file or in any engines.

    python -m bench.million --records 1000000 --file million.jsonl.gz
    python -m bench.million --records 1000000 --fill

A file is what ``kaijuan import records`` takes. ``--fill`` puts the records into the database and
the index that the settings name, by the rows and documents that an import makes, but past what
an import does for files that may be bad, repeated or interrupted: on PostgreSQL in as many
processes as there are processors, each by COPY. Filling again goes on behind what is there.
"""

from __future__ import annotations

import argparse
import gzip
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

from app import config
from app.adapters import open_adapters
from app.catalog.formats import Candidate
from app.catalog.formats.jsonl import record_of
from app.catalog.services import adding, dirty, healing, indexing, recognising
from app.catalog.services.importing import CHUNK
from app.config import Settings
from app.database import Database
from app.identity import tree
from app.operating.schema import upgrade
from app.terminal import Meter
from bench.editions import SEED, Editions
from bench.search_records import records_file
from search.alias import AliasedIndex

MILLION = 1_000_000


def main() -> None:
    """Write the file, or fill the engines."""
    given = _arguments()
    if given.file:
        write(given.file, given.records, given.seed)
    if given.fill or given.fill_database:
        fill_database(config.load(), given.records, given.seed)
    if given.fill:
        fill_index(config.load())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.million", description=__doc__)
    parser.add_argument("--records", type=int, default=MILLION, help="how many")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--file", type=Path, help="JSON lines, gzipped when it ends with .gz")
    parser.add_argument("--fill", action="store_true", help="into what the settings name")
    parser.add_argument("--fill-database", action="store_true", help="and not into the index")
    given = parser.parse_args()
    if not (given.file or given.fill or given.fill_database):
        parser.error("say where the records go: --file FILE or --fill")
    return given


@cache
def editions(seed: int = SEED) -> Editions:
    """The generator over the shared records; SystemExit when there are none."""
    with gzip.open(records_file(), "rb") as lines:
        return Editions(lines, seed)


def write(path: Path, records: int, seed: int = SEED) -> None:
    """Writes a file of so many records: whole or not at all, and to the byte the same each time."""
    part = path.with_name(path.name + ".part")
    with (
        Meter("records", records) as meter,
        part.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) if path.suffix == ".gz" else raw as file,
    ):
        for number, line in enumerate(editions(seed).stream(0, records), 1):
            file.write(line + b"\n")
            if number % CHUNK == 0:
                meter.at(number)
    part.rename(path)


def fill_database(settings: Settings, records: int, seed: int = SEED) -> None:
    """Adds the records that the database lacks of so many."""
    database = Database(settings.database_url)
    upgrade(database)
    with database.transaction() as session:
        library = tree.default(session)
        place = library.id, library.path
    workers = 1 if database.is_sqlite else os.cpu_count() or 1
    database.close()  # a connection does not outlive the parting of processes
    editions(seed)  # made before it, and so shared
    given, done = (settings.database_url, *place, seed), 0
    with (
        Meter("records in the database", records) as meter,
        ProcessPoolExecutor(workers, get_context("fork"), Filling.begin, given) as pool,
    ):
        for added in pool.map(Filling.add, range(0, records, CHUNK), repeat(records)):
            done += added
            meter.at(done)
    database.checkpoint()


class Filling:
    """What a process that fills the database has."""

    def __init__(self, url: str, library_id: str, path: str, seed: int) -> None:
        self._database = Database(url, pool_size=1)
        self._place = library_id, path
        self._editions = editions(seed)

    @classmethod
    def begin(cls, *given: Any) -> None:
        """Makes the one of this process."""
        global _filling
        _filling = cls(*given)

    @staticmethod
    def add(first: int, end: int) -> int:
        """The chunk of records that begins there, in one transaction; how many it has."""
        return _filling.take(range(first, min(first + CHUNK, end)))

    def take(self, numbers: range) -> int:
        """These records, but for those that are there."""
        lines = self._editions.stream(numbers.start, numbers.stop)
        read = (record_of(line, f"record {n}") for n, line in zip(numbers, lines, strict=True))
        given = [record for record in read if isinstance(record, Candidate)]
        with self._database.transaction() as session:
            known = recognising.known(session, given)
            fresh = [one for one in given if recognising.identity(one) not in known]
            adding.add_new(session, None, *self._place, fresh)
        return len(given)


_filling: Filling


def fill_index(settings: Settings) -> None:
    """Brings what the index has not heard of into it, as the worker does."""
    adapters, done = open_adapters(settings), 0
    healing.judge(adapters.database, cast(AliasedIndex, adapters.index))
    with adapters.database.transaction(writes=False) as session:
        waiting, _ = dirty.waiting(session)
    with Meter("records in the index", waiting) as meter:
        while settled := indexing.drain(adapters.database, adapters.index):
            done += settled
            meter.at(done)
    adapters.index.close()


if __name__ == "__main__":
    main()
