"""Looking over the generations of a target: listing, checking, forgetting the oldest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from app.database import rfc3339
from app.operating.backup.manifest import BackupError, DamagedError, Problem
from app.operating.backup.objects import in_parallel
from app.operating.backup.taking import listed_in
from app.operating.backup.target import Target
from app.storage.errors import IntegrityMismatchError, ObjectNotFoundError
from app.storage.keys import digest_in, key_of
from app.terminal import Meter


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A generation as a list shows it; an incomplete one has its name alone."""

    name: str
    complete: bool
    point: str = ""
    release: str = ""
    rows: int = 0
    objects: int = 0
    objects_size: int = 0
    problems: int = 0


class Checked(msgspec.Struct, frozen=True):
    """What was compared with its digest, and what is not as it was."""

    generations: tuple[str, ...]
    parts: int
    objects: int
    problems: tuple[Problem, ...]


def listed(target: Target) -> list[Generation]:
    """Every generation, oldest first."""
    return [_line(target, name, done) for name, done in target.generations().items()]


def _line(target: Target, name: str, complete: bool) -> Generation:
    if not complete:
        return Generation(name, complete)
    try:
        found = target.manifest(name)
    except BackupError:
        return Generation(name, complete, problems=1)
    return Generation(
        name=name,
        complete=True,
        point=rfc3339(found.point),
        release=found.release,
        rows=found.rows,
        objects=found.objects.number,
        objects_size=found.objects.size,
        problems=len(found.problems),
    )


def check(target: Target, names: Iterable[str], scratch: Path, *, quiet: bool = False) -> Checked:
    """Reads every part and every object of these generations, and compares their digests."""
    names, parts = tuple(names), 0
    problems: list[Problem] = []
    wanted: dict[str, str] = {}
    for name in names:
        try:
            manifest = target.manifest(name)
        except DamagedError as error:
            problems.append(_damaged(error))
            continue
        for part in manifest.parts:
            parts += 1
            try:
                target.fetch(name, part, scratch).unlink()
            except DamagedError as error:
                problems.append(_damaged(error))
        try:
            wanted |= {o.sha256: o.key for o in listed_in(target, name, manifest, scratch)}
        except DamagedError:
            continue  # said above
    problems += _check_objects(target, wanted, quiet)
    return Checked(names, parts, len(wanted), tuple(problems))


def _check_objects(target: Target, wanted: dict[str, str], quiet: bool) -> list[Problem]:
    def look(digest: str) -> Problem | None:
        try:
            for _ in target.store.stream(key_of(digest)):  # compares the digest at its end
                pass
        except ObjectNotFoundError:
            return Problem(key_of(digest), "missing", f"It holds {wanted[digest]}.")
        except IntegrityMismatchError:
            remedy = f"It held {wanted[digest]}. Remove it, and the next backup takes it again."
            return Problem(key_of(digest), "damaged", remedy)
        return None

    found = []
    with Meter("objects", len(wanted), quiet=quiet) as meter:
        for done, problem in enumerate(in_parallel(look, wanted), 1):
            meter.at(done)
            if problem:
                found.append(problem)
    return found


def _damaged(error: DamagedError) -> Problem:
    return Problem(error.place, "damaged", error.reason)


def forget(target: Target, keep: int, scratch: Path) -> list[str]:
    """Removes all but the newest ``keep`` complete generations, and what only they needed.

    What is incomplete goes too: whoever calls this works on the target alone. Where the list of a
    generation that stays cannot be read, nothing is removed: the older ones may be what is left.

    :raises DamagedError: in that case.
    """
    stay = target.complete()[-keep:]
    gone = [name for name in target.generations() if name not in stay]
    if gone:
        needed = _needed(target, stay, scratch)
        for name in gone:
            target.remove(name)
        _sweep(target, needed)
    return gone


def _needed(target: Target, stay: list[str], scratch: Path) -> set[bytes]:
    needed: set[bytes] = set()
    for name in stay:
        manifest = target.manifest(name)
        needed.update(
            bytes.fromhex(one.sha256) for one in listed_in(target, name, manifest, scratch)
        )
    return needed


def _sweep(target: Target, needed: set[bytes]) -> None:
    for key in target.store.keys("blobs/"):
        digest = digest_in(key)
        if digest and bytes.fromhex(digest) not in needed:
            target.store.delete(key)
