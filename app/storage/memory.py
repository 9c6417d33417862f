"""Objects in memory: for tests and demonstrations, gone with the process."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from uuid import uuid4

from app.storage.chunks import Chunks, check_parts, check_span, copy_part
from app.storage.errors import (
    BadPartsError,
    IntegrityMismatchError,
    ObjectNotFoundError,
    UploadNotFoundError,
)
from app.storage.keys import checked, checked_prefix, digest_in, promised_digest, upload_key
from app.storage.ports import CHUNK, Part, Stat, Upload


class MemoryStore:
    """The :class:`~app.storage.ports.ObjectStore` of one process."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, Stat]] = {}

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, **_media_type: object
    ) -> Stat:
        return self.put_bytes(key, path.read_bytes(), sha256=sha256)

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, **_media_type: object
    ) -> Stat:
        promised = promised_digest(checked(key), sha256)
        kept = self._objects.get(key)
        if kept and digest_in(key) and kept[1].size == len(data):
            return kept[1]
        actual = hashlib.sha256(data).hexdigest()
        if promised and actual != promised:
            raise IntegrityMismatchError(key, expected=promised, actual=actual)
        stat = Stat(len(data), actual, datetime.now(UTC), digest_in(key))
        self._objects[key] = (bytes(data), stat)
        return stat

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        check_span(start, length)
        data, _ = self._found(key)
        return data[start : None if length is None else start + length]

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> Chunks:
        data = self.read(key, start, length)
        return Chunks(BytesIO(data), len(data), chunk)

    def stat(self, key: str) -> Stat:
        return self._found(key)[1]

    def delete(self, key: str) -> None:
        self._objects.pop(checked(key), None)

    def keys(self, prefix: str = "") -> Iterator[str]:
        checked_prefix(prefix)
        return iter(sorted(key for key in list(self._objects) if key.startswith(prefix)))

    def local_path(self, key: str) -> None:
        checked(key)

    def signed_url(self, *_: object, **__: object) -> None:
        """There is none: nothing outside the process can reach it."""

    def sweep(self, *_: object) -> int:
        return 0

    def check(self) -> None:
        return

    def _found(self, key: str) -> tuple[bytes, Stat]:
        try:
            return self._objects[checked(key)]
        except KeyError:
            raise ObjectNotFoundError(key) from None


@dataclass
class _Begun:
    key: str
    touched: datetime
    parts: dict[int, tuple[Part, bytes]] = field(default_factory=dict)


class MemoryUploads:
    """The :class:`~app.storage.ports.MultipartUploads` beside a :class:`MemoryStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._begun: dict[str, _Begun] = {}
        self._lock = Lock()

    def create(self, key: str, **_media_type: object) -> Upload:
        upload = Upload(upload_key(key), uuid4().hex)
        with self._lock:
            self._begun[upload.id] = _Begun(key, datetime.now(UTC))
        return upload

    def put_part(self, upload: Upload, number: int, stream: BinaryIO, size: int) -> Part:
        target = BytesIO()
        begun = self._found(upload)
        _, digest = copy_part(upload, number, stream, target, size)
        part = Part(number, size, digest)
        begun.parts[number] = (part, target.getvalue())
        begun.touched = datetime.now(UTC)
        return part

    def complete(self, upload: Upload, parts: list[Part]) -> Stat:
        begun = self._found(upload)
        check_parts(upload, parts)
        for part in parts:
            if begun.parts.get(part.number, (None,))[0] != part:
                raise BadPartsError(upload.key, f"part {part.number} was never taken")
        stat = self._store.put_bytes(
            upload.key, b"".join(begun.parts[part.number][1] for part in parts)
        )
        self.abort(upload)
        return stat

    def abort(self, upload: Upload) -> None:
        with self._lock:
            self._begun.pop(upload.id, None)

    def stale(self, older_than: timedelta) -> Iterator[Upload]:
        latest = datetime.now(UTC) - older_than
        with self._lock:
            begun = list(self._begun.items())
        return (Upload(one.key, id_) for id_, one in begun if one.touched <= latest)

    def _found(self, upload: Upload) -> _Begun:
        begun = self._begun.get(upload.id)
        if begun is None or begun.key != upload.key:
            raise UploadNotFoundError(upload.key, upload.id)
        return begun
