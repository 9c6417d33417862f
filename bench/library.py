"""The libraries that measures run on: made by the commands that a librarian would use."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from app import config
from app.adapters import Adapters, open_adapters
from app.config import Settings
from app.serving import fresh_metrics_dir
from bench import processes
from bench.processes import Spent
from bench.rows import CannotRunError
from bench.servers import Server, serving

FEW = 10_000
KAIJUAN = (sys.executable, "-m", "app.cli")


@dataclass(frozen=True)
class Library:
    """An installation of its own, on the embedded default."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The settings as production has them, caches off; none of the caller's come through."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("KAIJUAN_")}
        own.setdefault("MALLOC_ARENA_MAX", "2")  # as `kaijuan serve` sets it
        own |= {"KAIJUAN_LOG_LEVEL": "info", "KAIJUAN_CACHE_URL": "none://"}
        return {**own, "KAIJUAN_DATA_DIR": str(self.folder)}

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

    @property
    def is_complete(self) -> bool:
        """Whether everything that belongs in it is there."""
        return (self.folder / "complete").exists()

    def complete(self) -> None:
        """Says that everything is."""
        (self.folder / "complete").touch()

    def run(self, *command: str | Path, fine: tuple[int, ...] = (0,)) -> Spent:
        """``kaijuan command``, to its end."""
        return processes.run((*KAIJUAN, *command), self.environ, fine=fine)

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """The web application on this library."""
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
