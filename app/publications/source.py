"""A file read by position, so that nothing needs it in memory as a whole."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE = 256 * 1024
SAMPLE = 1024


class Source:
    """An opened file; ``name`` is what it is called, without extension.

    Raises OSError when it cannot be opened.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = Path(name).stem if name else path.stem
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size

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
