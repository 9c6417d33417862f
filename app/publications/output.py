"""The folder into which an examination writes, under names of our own only."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from app.publications.findings import RefusedError


class Output:
    """Files of one examination. Raises RefusedError past the limit of bytes."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self._left = most
        self._names: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files written, in order."""
        return tuple(self._names)

    def write(self, name: str, data: bytes) -> None:
        """Write one whole file."""
        with self.create(name) as file:
            self.counted(file)(data)

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing; the caller closes it."""
        self._names.append(name)
        return (self.folder / name).open("wb")

    def counted(self, file: BinaryIO) -> Callable[[bytes], None]:
        """A sink that writes to ``file`` within the limit."""

        def sink(data: bytes) -> None:
            self._left -= len(data)
            if self._left < 0:
                raise RefusedError("output-limit")
            file.write(data)

        return sink

    def next_copy(self) -> str:
        """A fresh name for a stored copy of an entry."""
        return f"copy-{len(self._names)}"

    def discard(self, name: str) -> None:
        """Remove a file that turned out to be of no use."""
        self._names.remove(name)
        (self.folder / name).unlink(missing_ok=True)
