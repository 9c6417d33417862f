"""The libraries that measures run on: made by the commands that a librarian would use."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog.models import RecordRow
from app.config import Settings
from app.jobs.bell import open_bell
from app.serving import fresh_metrics_dir
from bench import processes
from bench.engines import Engines
from bench.million import MILLION, write
from bench.processes import Spent
from bench.rows import CannotRunError
from bench.servers import Server, serving

FEW = 10_000
KAIJUAN = (sys.executable, "-m", "app.cli")


@dataclass(frozen=True)
class Library:
    """An installation of its own: on the embedded default, but for the engines of ``on``."""

    folder: Path
    on: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Settings of engines, by the names of the environment."""

    @property
    def environ(self) -> dict[str, str]:
        """The settings as production has them, caches off; none of the caller's come through."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("KAIJUAN_")}
        own.setdefault("MALLOC_ARENA_MAX", "2")  # as `kaijuan serve` sets it
        own |= {"KAIJUAN_LOG_LEVEL": "info", "KAIJUAN_CACHE_URL": "none://"}
        return {**own, "KAIJUAN_DATA_DIR": str(self.folder), **self.on}

    @cached_property
    def settings(self) -> Settings:
        """As its processes read them."""
        return config.load(self.environ, dotenv=self.folder / "none")

    @cached_property
    def adapters(self) -> Adapters:
        """Its engines, to look at what is in them."""
        return open_adapters(self.settings)

    @property
    def database(self) -> Path:
        """The file of its database."""
        return self.folder / "kaijuan.sqlite"

    def count(self) -> int:
        """How many records it has."""
        with self.adapters.database.transaction(writes=False) as session:
            return session.scalar(select(func.count()).select_from(RecordRow)) or 0

    @property
    def is_complete(self) -> bool:
        """Whether everything that belongs in it is there."""
        return self.has("complete")

    def has(self, part: str) -> bool:
        """Whether it was said of this part that all of it is there."""
        return (self.folder / part).exists()

    def complete(self, part: str = "complete") -> None:
        """Says that everything is, or everything of a part."""
        (self.folder / part).touch()

    def run(self, *command: str | Path, fine: tuple[int, ...] = (0,)) -> Spent:
        """``kaijuan command``, to its end."""
        return processes.run((*KAIJUAN, *command), self.environ, fine=fine)

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """The web application on this library."""
        open_bell(self.settings.queue_url)  # made before the workers part, which would race to
        metrics = {"PROMETHEUS_MULTIPROC_DIR": str(fresh_metrics_dir(self.folder))}
        log = self.folder / "web.log"
        with serving("wsgi:app", {**self.environ, **metrics}, "/healthz", log) as server:
            yield server


@dataclass(frozen=True)
class Bench:
    """What a run has to work with. ``quick`` takes fewer records and shorter goes."""

    folder: Path
    quick: bool

    @property
    def seconds(self) -> float:
        """How long one go lasts."""
        return 1.0 if self.quick else 2.0

    def material(self, *path: str) -> Path:
        """A file or folder of the shared material.

        :raises CannotRunError: when there is none.
        """
        given = os.environ.get("KAIJUAN_TEST_DATA")
        if not given:
            raise CannotRunError("KAIJUAN_TEST_DATA does not name a folder of test material")
        found = Path(given, *path)
        if not found.exists():
            raise CannotRunError(f"there is no {'/'.join(path)} in KAIJUAN_TEST_DATA")
        return found

    def records(self) -> Path:
        """The catalogue records: all of them, or a beginning for a quick run."""
        everything = self.material("catalog", "records.jsonl.gz")
        return self.first_records(2 * FEW) if self.quick else everything

    def first_records(self, count: int) -> Path:
        """A file of every so-manyth of the records, so that each source has its part."""
        path = self.folder / f"records-{count}.jsonl"
        if not path.exists():
            source = self.material("catalog", "records.jsonl.gz")
            with gzip.open(source, "rb") as lines:
                step = max(sum(1 for _ in lines) // count, 1)
            with gzip.open(source, "rb") as lines, path.open("wb") as chosen:
                chosen.writelines(islice(lines, 0, step * count, step))
        return path

    def fresh(self, name: str) -> Library:
        """An empty library; what was there under this name goes."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        library = Library(folder)
        library.run("migrate")
        return library

    @property
    def size(self) -> str:
        """What the names of libraries end with: a quick run has smaller ones."""
        return "-quick" if self.quick else ""

    def full(self) -> Library:
        """A library with the records, searchable."""
        return self._filled(f"full{self.size}", self.records())

    def small(self) -> Library:
        """A library with a tenth of the records."""
        return self._filled(
            f"small{self.size}", self.first_records(FEW // (5 if self.quick else 1))
        )

    def shelf(self) -> Library:
        """A library with the records and the real EPUBs."""
        library = Library(self.folder / f"shelf{self.size}")
        if not library.is_complete:
            library = self.copy(self.full(), library.folder.name)
            library.run("import", "books", self.books(), "--json", fine=(0, 1))
            library.complete()
        return library

    def books(self) -> Path:
        """The folder of EPUBs: all, or one collection for a quick run."""
        return self.material("epubs", *(["standardebooks"] if self.quick else []))

    @property
    def many(self) -> int:
        """How many records the large measures take: KAIJUAN_BENCH_RECORDS, a million without."""
        given = os.environ.get("KAIJUAN_BENCH_RECORDS")
        return int(given) if given else 2 * FEW if self.quick else MILLION

    def many_records(self) -> Path:
        """The file of so many: the real records and further editions of them."""
        path = self.folder / f"editions-{self.many}.jsonl.gz"
        if not path.exists():
            self.material("catalog", "records.jsonl.gz")
            say(f"{self.many:,} records into a file")
            write(path, self.many)
        return path

    @cached_property
    def engines(self) -> Engines:
        """The engines of the environment.

        :raises CannotRunError: when it names none.
        """
        return Engines.named()

    @property
    def sizes(self) -> tuple[int, int, int]:
        """What growth is measured over: a hundredth, a tenth and all of so many records."""
        return self.many // 100, self.many // 10, self.many

    def leave_engines(self) -> None:
        """Removes what was made on engines, if there are any."""
        with suppress(CannotRunError):
            for size in self.sizes:
                self.engines.drop(str(size))

    def on_engines(self, count: int) -> Library:
        """So many records on the engines, in the database if not yet in the index."""
        name = str(count)
        library = Library(self.folder / f"engines-{name}", self.engines.of(name))
        if not (library.has("records") and self.engines.has(name)):
            self.fresh_on_engines(count)
            self._fill(library, count)
        return library

    def fresh_on_engines(self, count: int) -> Library:
        """An empty library on the engines, for so many records; what was there goes."""
        name = str(count)
        self.engines.make(name)
        library = Library(self.folder / f"engines-{name}", self.engines.of(name))
        shutil.rmtree(library.folder, ignore_errors=True)
        library.run("migrate")
        return library

    def embedded(self, count: int) -> Library:
        """So many records on the embedded default, in the database if not yet in the index."""
        library = Library(self.folder / f"embedded-{count}")
        if not library.has("records"):
            library = self.fresh(library.folder.name)
            self._fill(library, count)
        return library

    def searchable(self, library: Library) -> Library:
        """The same library, all of its records in its index."""
        if not library.is_complete:
            say(f"the index of {library.folder.name}")
            drain(library)
            library.complete()
        return library

    def _fill(self, library: Library, count: int) -> None:
        self.material("catalog", "records.jsonl.gz")
        say(f"{count:,} records into {library.folder.name}")
        command = (
            sys.executable,
            "-m",
            "bench.million",
            "--records",
            str(count),
            "--fill-database",
        )
        given = {"KAIJUAN_TEST_DATA": os.environ["KAIJUAN_TEST_DATA"]}
        processes.run(command, {**library.environ, **given})
        library.complete("records")

    def copy(self, library: Library, name: str) -> Library:
        """The same library once more, to be changed."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(library.folder, folder, ignore=shutil.ignore_patterns("*.log", "complete"))
        return Library(folder)

    def _filled(self, name: str, records: Path) -> Library:
        library = Library(self.folder / name)
        if not library.is_complete:
            library = self.fresh(name)
            library.run("import", "records", records, "--json")
            drain(library)
            library.complete()
        return library


def drain(library: Library) -> Spent:
    """The dirty set into the index, as the worker does it."""
    return processes.run((sys.executable, "-m", "bench.draining"), library.environ)


def say(step: str) -> None:
    """Says, for who waits, what is being done."""
    print(f"{datetime.now(UTC):%H:%M:%S}  … {step}", file=sys.stderr, flush=True)
