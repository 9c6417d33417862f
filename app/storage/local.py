"""Objects as files on this machine: temporary file, fsync, rename, fsync of the folders."""

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO
from uuid import uuid4

from app.room import Room
from app.storage.chunks import Chunks, check_span, copy, verified, verify
from app.storage.errors import (
    BadKeyError,
    ObjectNotFoundError,
    StoreFullError,
    StoreUnavailableError,
)
from app.storage.keys import checked, checked_prefix, digest_in, promised_digest
from app.storage.ports import CHUNK, ByteStream, Stat

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def open_new(path: Path) -> BinaryIO:
    """Create a file that must not be there yet."""
    return path.open("xb")


class LocalStore:
    """The :class:`~app.storage.ports.ObjectStore` of one machine.

    ``root/objects`` holds the objects by key, ``root/incoming`` what is being written. Both must
    lie in one file system: a rename is what makes an object appear.
    """

    def __init__(self, root: Path, *, create: Callable[[Path], BinaryIO] = open_new) -> None:
        self._objects = root / "objects"
        self._incoming = root / "incoming"
        self._create = create
        self._room = Room(root)
        with translated():
            self._objects.mkdir(parents=True, exist_ok=True)
            self._incoming.mkdir(exist_ok=True)

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, **_media_type: object
    ) -> Stat:
        with path.open("rb") as source:
            return self._put(key, source, os.fstat(source.fileno()).st_size, sha256)

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, **_media_type: object
    ) -> Stat:
        return self._put(key, BytesIO(data), len(data), sha256)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        check_span(start, length)
        with translated(key):
            source = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(source).st_size if length is None else start + length
                data = _read_whole(source, start, max(size - start, 0))
            finally:
                os.close(source)
        if length is None and not start and (promised := digest_in(key)):
            verify(key, promised, hashlib.sha256(data).hexdigest())
        return data

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> ByteStream:
        check_span(start, length)
        with translated(key):
            source = self._path(key).open("rb", buffering=0)
            source.seek(start)
            left = max(os.fstat(source.fileno()).st_size - start, 0)
        wanted = left if length is None else min(left, length)
        chunks = Chunks(source, wanted, chunk, guard=lambda: translated(key))
        return verified(chunks, key, start, length)

    def stat(self, key: str) -> Stat:
        with translated(key):
            found = self._path(key).stat()
        if not S_ISREG(found.st_mode):
            raise ObjectNotFoundError(key)
        digest = digest_in(key)
        return Stat(
            size=found.st_size,
            etag=digest or f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}",
            modified=datetime.fromtimestamp(found.st_mtime, UTC),
            sha256=digest,
        )

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            with translated(key):
                path.unlink()
                fsync_folder(path.parent)
        except ObjectNotFoundError:
            return

    def keys(self, prefix: str = "") -> Iterator[str]:
        folder, _, _ = checked_prefix(prefix).rpartition("/")
        for path in _files_below(self._objects / folder):
            key = path.relative_to(self._objects).as_posix()
            if key.startswith(prefix):
                yield key

    def local_path(self, key: str) -> Path:
        self.stat(key)
        return self._path(key)

    def signed_url(self, *_: object, **__: object) -> None:
        """There is none: this machine's own web answers for its files."""

    def sweep(self, older_than: timedelta) -> int:
        """Remove temporary files nobody has written to for that long."""
        latest = time.time() - older_than.total_seconds()
        swept = 0
        for path in self._incoming.iterdir():
            with translated_absence():
                if path.stat().st_mtime <= latest:
                    path.unlink()
                    swept += 1
        return swept

    def check(self) -> None:
        self.stage(lambda target: target.write(b"?")).unlink()

    def stage(self, write: Callable[[BinaryIO], object]) -> Path:
        """Write a durable file beside the objects, for :meth:`adopt`; a failure leaves none."""
        if not self._room.is_enough():
            raise StoreFullError(f"the disk of {self._objects.parent} is nearly full")
        path = self._incoming / uuid4().hex
        try:
            with translated(), self._create(path) as target:
                write(target)
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def adopt(self, staged: Path, key: str) -> Stat:
        """Make a staged file the object of this key, at once and durably."""
        path = self._path(key)
        try:
            with translated(writing=key):
                path.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(path)
                self._settle(path.parent)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        return self.stat(key)

    def _put(self, key: str, source: BinaryIO, size: int, sha256: str | None) -> Stat:
        path = self._path(key)
        promised = promised_digest(key, sha256)
        if digest_in(key) and path.is_file() and path.stat().st_size == size:
            self._settle(path.parent)
            return self.stat(key)

        def write(target: BinaryIO) -> None:
            _, actual = copy(source, target)
            verify(key, promised, actual)

        return self.adopt(self.stage(write), key)

    def _settle(self, folder: Path) -> None:
        """Make the folder's entries, and those of the folders that lead to it, durable.

        Also those another writer made: it may have died between its rename and its fsync.
        """
        while folder != self._objects.parent:
            fsync_folder(folder)
            folder = folder.parent

    def _path(self, key: str) -> Path:
        return self._objects / checked(key)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated(key: str | None = None, *, writing: str | None = None) -> Iterator[None]:
    """Turn the system's errors into the store's: of reading ``key``, or of writing one."""
    try:
        yield
    except OSError as error:
        if key is not None and error.errno in _ABSENT:
            raise ObjectNotFoundError(key) from error
        if writing is not None and error.errno in _ABSENT | {errno.EEXIST, errno.ENOTEMPTY}:
            raise BadKeyError(writing, "is a prefix of other keys, or they of it") from error
        if error.errno in _FULL:
            raise StoreFullError(str(error)) from error
        raise StoreUnavailableError(str(error), retryable=error.errno == errno.EIO) from error


@contextmanager
def translated_absence() -> Iterator[None]:
    """Let another process have removed the file first."""
    try:
        yield
    except FileNotFoundError:
        return


def _files_below(folder: Path) -> Iterator[Path]:
    """Walk files in the order of their keys' bytes: a folder sorts with its slash."""
    try:
        with os.scandir(folder) as found:
            entries = [(f"{e.name}/" if e.is_dir() else e.name, Path(e.path)) for e in found]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, path in sorted(entries):
        if name.endswith("/"):
            yield from _files_below(path)
        else:
            yield path


def _read_whole(source: int, start: int, wanted: int) -> bytes:
    """So many bytes from ``start``, fewer only at the end of the file."""
    data = os.pread(source, wanted, start)
    if len(data) in (0, wanted):
        return data
    pieces = [data]
    while piece := os.pread(source, wanted - sum(map(len, pieces)), start + sum(map(len, pieces))):
        pieces.append(piece)
    return b"".join(pieces)
