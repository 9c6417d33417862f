"""Files of readers on their way from who sent them to the worker: sealed, since they hold names,
numbers and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path

from app.database import now, random_id
from app.lines import digest_of
from app.scratch import Scratch
from app.sealing import Sealer
from app.storage.errors import StoreUnavailableError
from app.storage.ports import ObjectStore

IMPORT = "identity.import_readers"
UNDO = "identity.undo_readers"
_PURPOSE = "readers-file"
_BLOCK = 1024 * 1024
_PLACE = "intake/readers/"
KEPT = timedelta(days=7)
"""How long a file waits at most whose import failed: it can be tried again for so long."""


def new_key() -> str:
    """A key under which a file waits; it says since which day."""
    return f"{_PLACE}{now():%Y%m%d}/{random_id()}"


def forget(store: ObjectStore) -> None:
    """Removes the files that have waited for too long."""
    last = f"{_PLACE}{now() - KEPT:%Y%m%d}/"
    for key in list(takewhile(lambda key: key < last, store.keys(_PLACE))):
        store.delete(key)


def put(store: ObjectStore, scratch: Scratch, sealer: Sealer, key: str, path: Path) -> None:
    """Keeps a file under this key, sealed."""
    with scratch.folder() as folder, path.open("rb") as file:
        sealed = folder / "sealed"
        with sealed.open("wb") as target:
            blocks = iter(partial(file.read, _BLOCK), b"")
            target.writelines(sealer.seal_file(_PURPOSE, key, blocks))
        store.put_file(key, sealed)


@contextmanager
def fetched(
    store: ObjectStore, scratch: Scratch, sealer: Sealer, key: str, digest: str
) -> Iterator[Path]:
    """The file that was kept under this key, while the block lasts.

    :raises StoreUnavailableError: when another came than was sent.
    """
    with scratch.folder() as folder:
        path = folder / "readers"
        with path.open("wb") as target:
            target.writelines(sealer.unseal_file(_PURPOSE, key, store.stream(key)))
        if digest_of(path) != digest:
            raise StoreUnavailableError("another file came than was sent", retryable=True)
        yield path
