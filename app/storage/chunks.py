"""Reading bounded pieces: spans within an object, chunks of a stream, parts of an upload."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Protocol

from app.storage.errors import BadPartsError, IntegrityMismatchError
from app.storage.keys import digest_in
from app.storage.ports import CHUNK, MOST_PARTS, SMALLEST_PART, ByteStream, Part, Upload


class Source(Protocol):
    """What bytes are read from: a file, or the body of an answer."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Chunks:
    """Chunks of an open source; it is closed at the end, on an error, and by :meth:`close`.

    A generator would not do: one that never started closes nothing.
    """

    def __init__(
        self,
        source: Source,
        length: int,
        chunk: int,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._source = source
        self._left = length
        self._chunk = chunk
        self._guard = guard

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = self._next() if self._left > 0 else b""
        if not data:
            self.close()
            raise StopIteration
        self._left -= len(data)
        return data

    def _next(self) -> bytes:
        try:
            with self._guard():
                return self._source.read(min(self._chunk, self._left))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the source."""
        self._left = 0
        self._source.close()


class Verified:
    """A stream of a whole content-addressed object, which ends well only if it is its key's.

    Raises:
        IntegrityMismatchError: in place of its end, when the bytes hash to something else.
    """

    def __init__(self, stream: ByteStream, key: str, promised: str) -> None:
        self._stream = stream
        self._key = key
        self._promised: str | None = promised
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            data = next(self._stream)
        except StopIteration:
            verify(self._key, self._promised, self._digest.hexdigest())
            raise
        self._digest.update(data)
        return data

    def close(self) -> None:
        """Let go of the source; what was read of it is not judged."""
        self._promised = None
        self._stream.close()


def verified(stream: ByteStream, key: str, start: int, length: int | None) -> ByteStream:
    """Return a stream that also checks what it reads, where that can be known."""
    promised = None if start or length is not None else digest_in(key)
    return Verified(stream, key, promised) if promised else stream


def verify(key: str, promised: str | None, actual: str) -> None:
    """Refuse bytes that are not those promised."""
    if promised and actual != promised:
        raise IntegrityMismatchError(key, expected=promised, actual=actual)


def check_span(start: int, length: int | None) -> None:
    """Refuse a span that begins or runs backwards."""
    if start < 0 or (length is not None and length < 0):
        raise ValueError(f"not a span: {start}, {length}")


def copy(source: BinaryIO, target: BinaryIO, size: int | None = None) -> tuple[int, str]:
    """Copy ``size`` bytes, or all there are; return how many came and their SHA-256."""
    digest = hashlib.sha256()
    copied = 0
    while data := source.read(CHUNK if size is None else min(CHUNK, size - copied)):
        digest.update(data)
        target.write(data)
        copied += len(data)
    return copied, digest.hexdigest()


def join(paths: list[Path], target: BinaryIO) -> None:
    """Copy files one after another."""
    for path in paths:
        with path.open("rb") as source:
            copyfileobj(source, target, CHUNK)


def copy_part(
    upload: Upload, number: int, stream: BinaryIO, target: BinaryIO, size: int
) -> tuple[int, str]:
    """Copy one part; return its size and SHA-256.

    Raises:
        BadPartsError: the number is out of range, or the stream ended early.
    """
    if not 1 <= number <= MOST_PARTS:
        raise BadPartsError(upload.key, f"part {number} is not within 1–{MOST_PARTS}")
    copied, digest = copy(stream, target, size)
    if copied != size:
        raise BadPartsError(upload.key, f"part {number} ended at {copied} of {size} bytes")
    return copied, digest


def check_parts(upload: Upload, parts: list[Part]) -> None:
    """Refuse parts that cannot make one object.

    Raises:
        BadPartsError: none, not in ascending order, or one but the last is too small.
    """
    numbers = [part.number for part in parts]
    if not numbers or numbers != sorted(set(numbers)):
        raise BadPartsError(upload.key, "no parts, or not in ascending order")
    for part in parts[:-1]:
        if part.size < SMALLEST_PART:
            raise BadPartsError(upload.key, f"part {part.number} is under {SMALLEST_PART} bytes")
