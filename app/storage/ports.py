"""What the application asks of a store, whichever engine keeps the bytes.

Objects under ``blobs/`` are content-addressed (:func:`app.storage.keys.key_of`): their bytes are
checked against the key, and once stored they are never written again. Every other object
(``derived/…``) may be replaced, whole and at once. Every error is one of
:mod:`app.storage.errors`; every method that takes a key raises ``BadKeyError`` for one that no
store could hold, and ``StoreUnavailableError`` when the engine is away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK = 256 * 1024
"""Bytes read from a store at a time."""

SMALLEST_PART = 5 * 1024 * 1024
"""Bytes every part of an upload but the last must have, on every adapter: S3 asks for it."""

MOST_PARTS = 10_000
"""Parts of one upload, numbered from 1, on every adapter: S3 allows no more."""

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Stat:
    """One stored object: bytes, an opaque strong tag without quotes, when it was written."""

    size: int
    etag: str
    modified: datetime
    sha256: str | None
    """Of content-addressed objects only."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts, begun and neither completed nor aborted."""

    key: str
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part the store has taken; give it back, unaltered, to ``complete``."""

    number: int
    size: int
    etag: str


class ByteStream(Iterator[bytes], Protocol):
    """Chunks of an object already opened; ``close`` lets go of it before the end."""

    def close(self) -> None: ...


class ObjectStore(Protocol):
    """Whole objects by key."""

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        """Store the file's bytes, durable when this returns and visible all at once.

        A content-addressed object that is there with the file's size is left as it lies; of
        writers at once the first one's stands.

        Raises:
            IntegrityMismatchError: the bytes do not hash to ``sha256`` or to the key's own digest.
            StoreFullError: there is no room. In both cases nothing is left behind.
        """

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        """Store ``data`` as :meth:`put_file` does."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return up to ``length`` bytes from ``start``; past the end there are none.

        Raises:
            ObjectNotFoundError: nothing is stored under the key.
            IntegrityMismatchError: a whole content-addressed object is not its key's any more.
        """

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> ByteStream:
        """Return what :meth:`read` would, in chunks; the object is open when this returns.

        Raises:
            ObjectNotFoundError: at once, not at the first chunk.
            StoreUnavailableError: also between chunks.
            IntegrityMismatchError: as :meth:`read`, in place of the end.
        """

    def stat(self, key: str) -> Stat:
        """Describe an object, or raise ``ObjectNotFoundError``."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Iterate the keys that begin with ``prefix``, in the order of their bytes."""

    def local_path(self, key: str) -> Path | None:
        """Return where the object lies on this machine, ``None`` where stores have no files.

        Raises:
            ObjectNotFoundError: the store has files, and this is none of them.
        """

    def signed_url(
        self, key: str, *, expires: timedelta, filename: str, media_type: str, disposition: str
    ) -> str | None:
        """Return an address that GETs the object until it expires, ``None`` where there is none.

        ``disposition`` is ``inline`` or ``attachment``; ``filename`` may be in any script.
        """

    def sweep(self, older_than: timedelta) -> int:
        """Remove what killed writers have left for that long; return how many there were.

        Nothing that is still being written may be that old. On S3 they are uploads in parts, also
        those of :class:`MultipartUploads`, and never younger than a day.
        """

    def check(self) -> None:
        """Return if objects can be read and written now, or raise ``StoreUnavailableError``."""


class MultipartUploads(Protocol):
    """Large objects that arrive in parts, in any order, over days."""

    def create(self, key: str, *, media_type: str = OCTETS) -> Upload:
        """Begin an upload; the object appears only when it is completed.

        Raises:
            BadKeyError: also for a content address: what arrives has not been checked yet.
        """

    def put_part(self, upload: Upload, number: int, stream: BinaryIO, size: int) -> Part:
        """Take exactly ``size`` bytes as part ``number`` (from 1), durable when this returns.

        A part sent again replaces the earlier one.

        Raises:
            UploadNotFoundError: the upload was completed, aborted or never begun.
            BadPartsError: the number is out of range, or the stream ended early.
        """

    def complete(self, upload: Upload, parts: list[Part]) -> Stat:
        """Make one object of the parts, in ascending order of their numbers.

        Raises:
            UploadNotFoundError: as above, and when it was completed before: ``stat`` says so.
                S3 may answer a second time as it did the first.
            BadPartsError: none, out of order, unknown, or one but the last under ``SMALLEST_PART``.
        """

    def abort(self, upload: Upload) -> None:
        """Drop an upload and its parts; one that is not there is fine."""

    def stale(self, older_than: timedelta) -> Iterator[Upload]:
        """Iterate uploads that nothing happened to for that long (S3: begun so long ago)."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Both ports on one engine."""

    objects: ObjectStore
    uploads: MultipartUploads
