"""A file read by position, so that nothing needs it in memory as a whole."""

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 256 * 1024
SAMPLE = 1024


class Source:
    """An opened file, known by its descriptor, which it closes; and what the file is called."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._fd = descriptor
        self.name = Path(name).stem
        self.suffix = Path(name).suffix.lower()
        self.size = os.fstat(descriptor).st_size

    @classmethod
    def open(cls, path: Path, name: str | None = None) -> Self:
        """Open a file. Raises OSError when that fails."""
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC), name or path.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer only at the end of the file."""
        data = os.pread(self._fd, length, offset)
        while len(data) < length and (
            more := os.pread(self._fd, length - len(data), offset + len(data))
        ):
            data += more
        return data

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """The bytes of a range in pieces of at most 256 KiB."""
        end = offset + length
        while offset < end and (data := self.read_at(offset, min(PIECE, end - offset))):
            yield data
            offset += len(data)

    def as_file(self) -> BinaryIO:
        """The same as a file object with a position of its own."""
        return io.BufferedReader(_Reader(self))

    def sha256(self) -> str:
        """SHA-256 of the whole file, in hexadecimal."""
        digest = hashlib.sha256()
        for piece in self.pieces(0, self.size):
            digest.update(piece)
        return digest.hexdigest()

    def crc32(self) -> int:
        """CRC-32 of the whole file."""
        crc = 0
        for piece in self.pieces(0, self.size):
            crc = zlib.crc32(piece, crc)
        return crc

    def partial_md5(self) -> str:
        """The MD5 by which KOReader knows a document: 1,024 bytes at 0, 1 KiB, 4 KiB … 1 GiB.

        Source: ``util.partialMD5`` of KOReader, whose first shift wraps to offset 0.
        """
        digest = hashlib.md5(usedforsecurity=False)
        for offset in (0, *(SAMPLE << (2 * step) for step in range(11))):
            sample = self.read_at(offset, SAMPLE)
            if not sample:
                break
            digest.update(sample)
        return digest.hexdigest()


class _Reader(io.RawIOBase):
    """Reads a source from a position of its own: others read the same descriptor."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read_at(self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
