"""Files of readers on their way from who sent them to the worker: sealed, since they hold names,
numbers and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from app.lines import digest_of
from app.scratch import Scratch
from app.sealing import Sealer
from app.storage.errors import StoreUnavailableError
from app.storage.ports import ObjectStore

IMPORT = "identity.import_readers"
UNDO = "identity.undo_readers"
_PURPOSE = "readers-file"
_BLOCK = 1024 * 1024


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
