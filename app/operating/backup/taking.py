"""Taking a backup: the spool, the database at one point, the objects it names, the manifest.

The database comes before the store: bytes are in the store, durable, before a transaction names
them, and what is content-addressed is never written again. So a store copied afterwards has all
that the copy of the database names.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import msgspec

from app.adapters import Adapters
from app.config import Settings
from app.database import now, rfc3339
from app.operating.backup import rows, secrets, snapshot, spool
from app.operating.backup.collecting import Collecting
from app.operating.backup.manifest import (
    FORM,
    DamagedError,
    Manifest,
    Objects,
    Problem,
    Table,
)
from app.operating.backup.objects import Listed
from app.operating.backup.snapshot import Snapshot
from app.operating.backup.target import Target, name_of

LIST = "objects.rows"


class Taken(msgspec.Struct, frozen=True):
    """A generation that is complete, and what it cost; sizes are bytes."""

    target: str
    generation: str
    point: str
    seconds: float
    rows: int
    database_size: int
    """Of the tables as they lie in the generation, compressed."""
    objects: int
    objects_size: int
    copied: int
    copied_size: int
    """Objects that were not in the target before."""
    problems: tuple[Problem, ...]


def take(
    settings: Settings,
    adapters: Adapters,
    target: Target,
    *,
    quiet: bool = False,
) -> Taken:
    """Takes a backup of everything. Whoever calls this works on the target alone.

    :raises BackupError: when it cannot be completed; earlier generations stay as they are.
    """
    started = time.monotonic()
    adapters.scratch.sweep()
    with adapters.scratch.folder() as scratch:
        taking = _Taking(settings, adapters, target, scratch, quiet)
        generation, manifest = taking.run()
    return Taken(
        target=target.address,
        generation=generation,
        point=rfc3339(manifest.point),
        seconds=round(time.monotonic() - started, 3),
        rows=manifest.rows,
        database_size=sum(table.part.size for table in manifest.tables),
        objects=manifest.objects.number,
        objects_size=manifest.objects.size,
        copied=taking.collecting.copied,
        copied_size=taking.collecting.copied_size,
        problems=manifest.problems,
    )


class _Taking:
    """One backup under way; what it writes before it is finished lies in ``scratch``."""

    def __init__(
        self, settings: Settings, adapters: Adapters, target: Target, scratch: Path, quiet: bool
    ) -> None:
        self._settings, self._adapters, self._target = settings, adapters, target
        self._scratch, self._quiet = scratch, quiet
        known = {one.key: one for one in _of_the_last(target, scratch)}
        self.collecting = Collecting(adapters.store, target, known, scratch)
        self._passing: dict[str, Listed] = {}

    def run(self) -> tuple[str, Manifest]:
        """Takes everything, and makes the generation complete."""
        seen = self._snapshot()
        generation = name_of(seen.point)
        self._target.require(sum(table.path.stat().st_size for table in seen.tables))
        tables = tuple(self._table(generation, table) for table in seen.tables)
        facts = tuple(
            self._target.put(generation, f"usage/{path.name}", path)
            for path in sorted((self._scratch / "usage").iterdir())
        )
        listed, problems = self._objects(seen)
        manifest = Manifest(
            form=FORM,
            point=seen.point,
            finished=now(),
            release=version("kaijuan"),
            revision=seen.revision,
            made_with={"database": seen.engine, "python": platform.python_version()},
            tables=tables,
            objects=self._list(generation, listed),
            spool=facts,
            keys=secrets.fingerprints(self._settings),
            problems=tuple(problems),
        )
        self._target.finish(generation, manifest)
        return generation, manifest

    def _snapshot(self) -> Snapshot:
        folder, facts = self._scratch / "tables", self._scratch / "usage"
        folder.mkdir()
        spool.copy(self._adapters.data_dir, facts)
        seen = snapshot.take(self._adapters.database, folder, self._secure, quiet=self._quiet)
        spool.copy(self._adapters.data_dir, facts)
        return seen

    def _secure(self, keys: list[str]) -> bool:
        listed, _ = self.collecting.collect(keys)
        self._passing = {one.key: one for one in listed}
        return len(listed) == len(keys)

    def _table(self, generation: str, table: snapshot.Dumped) -> Table:
        part = self._target.put(generation, f"tables/{table.path.name}", table.path)
        return Table(table.name, table.columns, table.rows, part)

    def _objects(self, seen: Snapshot) -> tuple[list[Listed], list[Problem]]:
        listed, problems = self.collecting.collect(seen.lasting, quiet=self._quiet)
        gone = set(seen.passing) - set(self._passing)
        problems += [Problem(key, "missing", "A job names it, and it is gone.") for key in gone]
        return [*listed, *self._passing.values()], problems

    def _list(self, generation: str, listed: list[Listed]) -> Objects:
        path = self._scratch / LIST
        rest = (one.row for one in listed)
        rows.write(path, iter(lambda: list(islice(rest, rows.BLOCK)), []))
        part = self._target.put(generation, LIST, path)
        return Objects(len(listed), sum(one.size for one in listed), part)


def listed_in(
    target: Target, generation: str, manifest: Manifest, scratch: Path
) -> Iterator[Listed]:
    """The objects of a generation.

    :raises DamagedError: when its list is not what was put.
    """
    path = target.fetch(generation, manifest.objects.part, scratch)
    for block in rows.read(path):
        yield from (Listed(*row) for row in block)


def _of_the_last(target: Target, scratch: Path) -> Iterator[Listed]:
    """What the newest generation lists; a damaged one is as good as none: all is looked at anew."""
    if complete := target.complete():
        try:
            manifest = target.manifest(complete[-1])
            yield from listed_in(target, complete[-1], manifest, scratch)
        except DamagedError:
            return
