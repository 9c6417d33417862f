"""The pointer of an embedded index: one small file beside the generations."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from search.alias import Generations
from search.files import sync_folder

_POINTER = "generations.json"
_CHECKPOINT = "rebuild.json"


class FilePointer:
    """See Pointer. The file is replaced atomically; a look at it costs one ``stat``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._pointer = folder / _POINTER
        self._checkpoint = folder / _CHECKPOINT
        self._seen: tuple[int, int] = (0, 0)
        self._generations = Generations()

    def read(self, *, fresh: bool) -> Generations:
        """See Pointer: always what is named now."""
        try:
            state = self._pointer.stat()
        except FileNotFoundError:
            return self._generations
        seen = (state.st_mtime_ns, state.st_ino)
        if seen != self._seen:
            self._generations = msgspec.json.decode(self._pointer.read_bytes(), type=Generations)
            self._seen = seen
        return self._generations

    def replace(self, generations: Generations) -> None:
        """See Pointer."""
        _write(self._pointer, msgspec.json.encode(generations))

    def checkpoint(self) -> bytes | None:
        """See Pointer."""
        with suppress(FileNotFoundError):
            return self._checkpoint.read_bytes()
        return None

    def remember(self, checkpoint: bytes | None) -> None:
        """See Pointer."""
        if checkpoint is None:
            self._checkpoint.unlink(missing_ok=True)
        else:
            _write(self._checkpoint, checkpoint)

    def close(self) -> None:
        """See Pointer: nothing stays open."""


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
