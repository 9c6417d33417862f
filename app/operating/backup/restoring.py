"""The way back: the objects, the database in one step, then all that follows from it.

The objects come before the database, since a row must never name what is not there. Until the
database has taken its new rows nothing that was in it is lost; from then on a lease in it says
which generation they are of, and a restore that died is gone on with instead of done again.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from app import config
from app.adapters import Adapters
from app.catalog.cli.indexing import rebuild
from app.database import Database, rfc3339
from app.operating.backup import loading, secrets, settling, spool
from app.operating.backup.manifest import BackupError, DamagedError, Manifest, Problem
from app.operating.backup.objects import Listed, digest_within, held, in_parallel
from app.operating.backup.taking import listed_in
from app.operating.backup.target import Target
from app.operating.doctor import Diagnosis, examine
from app.operating.schema import upgrade
from app.operating.unfinished import restored_from
from app.storage.errors import IntegrityMismatchError, ObjectNotFoundError
from app.storage.keys import digest_in, key_of
from app.storage.ports import ObjectStore
from app.terminal import Meter

MIB = 1024 * 1024


class Restored(msgspec.Struct, frozen=True):
    """A library as it stood at ``point``; what came later is lost."""

    generation: str
    point: str
    seconds: float
    gone_on: bool
    """Whether an earlier restore had brought the rows already."""
    rows: int
    objects: int
    copied: int
    """Objects that were not in the store yet."""
    indexed: int | None
    """Documents in the rebuilt index, unless that was left to be done."""
    other_secrets: tuple[str, ...]
    """Secrets of this installation that are not those of the backup."""
    problems: tuple[Problem, ...]
    """What could not be restored, and what the backup could not take."""
    doctor: tuple[Diagnosis, ...]
    """What is not well now."""


class Restoring:
    """One restore of a generation into an installation."""

    def __init__(
        self,
        adapters: Adapters,
        target: Target,
        *,
        replace: str | None = None,
        despite_damage: bool = False,
        quiet: bool = False,
    ) -> None:
        """``replace`` names the database whose contents may go, if it has any."""
        self._adapters, self._target = adapters, target
        self._replace, self._despite_damage, self._quiet = replace, despite_damage, quiet
        self._copied = 0

    def run(self, name: str, *, reindex: bool = True, secrets_from: Path | None = None) -> Restored:
        """Brings everything back.

        :raises BackupError: when the database holds anything and is not the one to replace.
        :raises DamagedError: when a part is not what it was, or an object, unless what is damaged
            may be left out; nothing in the database was touched.
        """
        started = time.monotonic()
        manifest = self._target.manifest(name)
        database = self._adapters.database
        gone_on = restored_from(database) == name
        if secrets_from:
            secrets.require(secrets_from)
        problems = [] if gone_on else self._bring(name, manifest)
        self._beside(name, manifest, secrets_from)
        upgrade(database)
        settling.settle(database, mark_all=not reindex)
        # From the start: what was begun may be of records that are no more.
        indexed = rebuild(self._adapters, quiet=self._quiet, restart=True) if reindex else None
        settling.end(database, name)
        settings = config.load()
        return Restored(
            generation=name,
            point=rfc3339(manifest.point),
            seconds=round(time.monotonic() - started, 3),
            gone_on=gone_on,
            rows=manifest.rows,
            objects=manifest.objects.number,
            copied=self._copied,
            indexed=indexed.done if indexed else None,
            other_secrets=tuple(secrets.others(settings, manifest.keys)),
            problems=(*manifest.problems, *problems),
            doctor=tuple(d for d in examine(settings, self._adapters) if not d.ok),
        )

    def _beside(self, name: str, manifest: Manifest, secrets_from: Path | None) -> None:
        """What lies on this machine's disk alone: replaced once the rows are, and not before."""
        if secrets_from:
            secrets.put_back(secrets_from, config.load())
        with self._adapters.scratch.folder() as scratch:
            for part in manifest.spool:
                path = self._target.fetch(name, part, scratch)
                spool.give_back(path, self._adapters.data_dir, Path(part.name).name)

    def _bring(self, name: str, manifest: Manifest) -> list[Problem]:
        database, target = self._adapters.database, self._target
        if not loading.is_known(database, manifest.revision):
            raise BackupError(
                f"{name} is of release {manifest.release}, with a schema ({manifest.revision}) "
                "that this one does not know: restore it with that release or a newer one."
            )
        with self._adapters.scratch.folder() as scratch:
            require_empty(database, self._replace, scratch)
            parts = {part.name: target.fetch(name, part, scratch) for part in manifest.parts}
            wanted = list(listed_in(target, name, manifest, scratch))
            problems = self._objects(wanted, scratch)
            if problems and not self._despite_damage:
                places = ", ".join(problem.place for problem in problems[:5])
                raise DamagedError(name, f"{len(problems)} of its objects are not there: {places}")
            left_out = loading.load(
                database, manifest, name, lambda table: parts[table.part.name], self._quiet
            )
        return problems + left_out

    def _objects(self, wanted: list[Listed], scratch: Path) -> list[Problem]:
        problems, done = [], 0
        size = sum(one.size for one in wanted)
        store, target = self._adapters.store, self._target.store

        def bring(one: Listed) -> Problem | bool:
            if _lies(store, one):
                return False
            try:
                with held(target, key_of(one.sha256), one.size, scratch) as found:
                    found.put(store, one.key)
            except (ObjectNotFoundError, IntegrityMismatchError) as error:
                return Problem(one.key, "damaged", f"In the backup: {error}")
            return True

        with Meter("MiB of objects", size // MIB, quiet=self._quiet or not wanted) as meter:
            for one, brought in zip(wanted, in_parallel(bring, wanted), strict=True):
                done += one.size
                meter.at(done // MIB)
                if isinstance(brought, Problem):
                    problems.append(brought)
                else:
                    self._copied += brought
        return problems


def _lies(store: ObjectStore, one: Listed) -> bool:
    """Whether the store has these bytes: by name and size where the name is their digest, and by
    reading them where it is not.
    """
    try:
        if store.stat(one.key).size != one.size:
            return False
        return bool(digest_in(one.key)) or digest_within(store, one.key) == one.sha256
    except (ObjectNotFoundError, IntegrityMismatchError):
        return False


def require_empty(database: Database, replace: str | None, scratch: Path) -> None:
    """Returns when the database holds no more than a fresh one, or is the one to replace.

    :raises BackupError: otherwise; it says what is there, and the name to give.
    """
    fresh = Database(f"sqlite:///{scratch}/fresh.sqlite")
    try:
        upgrade(fresh)
        usual = loading.counts(fresh)
    finally:
        fresh.close()
    found = loading.counts(database)
    more = {table: n for table, n in found.items() if n > usual.get(table, 0)}
    name = Path(str(database.url.database)).name
    if more and replace != name:
        held_there = ", ".join(f"{n:,} {table}" for table, n in sorted(more.items()))
        raise BackupError(
            f"The database {name} is not empty ({held_there}). A restore would replace all of it: "
            f"if that is meant, stop what serves from it and add --replace {name}."
        )
