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
    """See Pointer. The file is replaced atomically; a look at it costs two ``stat``.

    Before the first rebuild there may be none, but the first generation.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pointer = folder / _POINTER
        self._checkpoint = folder / _CHECKPOINT
        self._seen: tuple[int, int] = (0, 0)
        self._generations = Generations()

    def read(self, *, fresh: bool) -> Generations:
        """See Pointer: always what is named now."""
        named = self._named()
        if self.file(named.live).exists():
            return named
        return msgspec.structs.replace(named, unfilled=named.live)

    def _named(self) -> Generations:
        try:
            state = self._pointer.stat()
            seen = (state.st_mtime_ns, state.st_ino)
            if seen != self._seen:
                read = self._pointer.read_bytes()
                self._generations = msgspec.json.decode(read, type=Generations)
                self._seen = seen
        except FileNotFoundError:
            self._generations, self._seen = Generations(), (0, 0)
        return self._generations

    def file(self, name: str) -> Path:
        """Where a generation lies."""
        return self._folder / f"{name}.sqlite"

    def begin(self) -> None:
        """Write down that the live generation is unfilled, before its file is made."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.replace(self.read(fresh=True))

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
