"""Forgetting old generations: what another one needs is never removed."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from app.database import from_micros
from app.operating.backup import rows
from app.operating.backup.keeping import check, forget
from app.operating.backup.manifest import FORM, Manifest, Objects
from app.operating.backup.target import Target, name_of
from app.storage.keys import key_of
from app.storage.memory import MemoryStore

OBJECTS = some.sets(some.integers(0, 9))
START = from_micros(1_700_000_000_000_000)


def generation(target: Target, number: int, objects: set[int], complete: bool, at: Path) -> None:
    """A generation of these objects and no rows."""
    name = name_of(START + timedelta(days=number))
    digests = [hashlib.sha256(b"%d" % one).hexdigest() for one in sorted(objects)]
    for one, digest in zip(sorted(objects), digests, strict=True):
        target.store.put_bytes(key_of(digest), b"%d" % one)
    listed = [(f"derived/{digest}/text", digest, 1, "") for digest in digests]
    rows.write(at / "objects.rows", [listed])
    part = target.put(name, "objects.rows", at / "objects.rows")
    if complete:
        target.finish(name, Manifest(
            form=FORM, point=START, finished=START, release="1", revision="1", made_with={},
            tables=(), objects=Objects(len(listed), len(listed), part),
        ))  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    some.lists(some.tuples(OBJECTS, some.booleans()), min_size=1, max_size=6), some.integers(1, 4)
)
def test_what_stays_is_whole_and_nothing_else_is_kept(
    made: list[tuple[set[int], bool]], keep: int
) -> None:
    target = Target("memory", MemoryStore(), None)
    with tempfile.TemporaryDirectory() as folder:
        for number, (objects, complete) in enumerate(made):
            generation(target, number, objects, complete, Path(folder))
        forget(target, keep, Path(folder))
        stay = [objects for objects, complete in made if complete][-keep:]
        assert len(target.complete()) == len(target.generations()) == len(stay)
        checked = check(target, target.complete(), Path(folder), quiet=True)
    assert checked.problems == ()
    there = set(target.store.keys("blobs/"))
    needed = {hashlib.sha256(b"%d" % one).hexdigest() for objects in stay for one in objects}
    assert there == {key_of(digest) for digest in needed}
