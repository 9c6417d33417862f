"""Uploads in parts on this machine: one folder an upload, one durable file a part."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO
from uuid import uuid4

from app.storage.chunks import check_parts, copy_part, join
from app.storage.errors import BadPartsError, UploadNotFoundError
from app.storage.keys import upload_key
from app.storage.local import LocalStore, fsync_folder, translated, translated_absence
from app.storage.ports import Part, Stat, Upload

_ID = re.compile(r"[0-9a-f]{32}")


class LocalUploads:
    """The :class:`~app.storage.ports.MultipartUploads` beside a :class:`LocalStore`.

    ``root/uploads/{id}/key`` names the object to be, ``{number:05}-{sha256}`` are its parts.
    """

    def __init__(self, root: Path, store: LocalStore) -> None:
        self._root = root / "uploads"
        self._store = store
        with translated():
            self._root.mkdir(parents=True, exist_ok=True)

    def create(self, key: str, **_media_type: object) -> Upload:
        upload = Upload(upload_key(key), uuid4().hex)
        staged = self._store.stage(lambda target: target.write(key.encode()))
        folder = self._root / upload.id
        with translated():
            folder.mkdir()
            staged.replace(folder / "key")
            fsync_folder(folder)
            fsync_folder(self._root)
        return upload

    def put_part(self, upload: Upload, number: int, stream: BinaryIO, size: int) -> Part:
        folder = self._folder(upload)
        digest = ""

        def write(target: BinaryIO) -> None:
            nonlocal digest
            _, digest = copy_part(upload, number, stream, target, size)

        staged = self._store.stage(write)
        part = Part(number, size, digest)
        try:
            with translated():
                staged.replace(folder / _name(part))
                fsync_folder(folder)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        return part

    def complete(self, upload: Upload, parts: list[Part]) -> Stat:
        folder = self._folder(upload)
        check_parts(upload, parts)
        paths = [folder / _name(part) for part in parts]
        for path, part in zip(paths, parts, strict=True):
            if not path.is_file() or path.stat().st_size != part.size:
                raise BadPartsError(upload.key, f"part {part.number} was never taken")
        stat = self._store.adopt(self._store.stage(lambda target: join(paths, target)), upload.key)
        rmtree(folder, ignore_errors=True)
        return stat

    def abort(self, upload: Upload) -> None:
        if _ID.fullmatch(upload.id):
            rmtree(self._root / upload.id, ignore_errors=True)

    def stale(self, older_than: timedelta) -> Iterator[Upload]:
        latest = time.time() - older_than.total_seconds()
        for folder in sorted(self._root.iterdir()):
            with translated_absence():
                if folder.stat().st_mtime <= latest:
                    yield Upload(_key_in(folder), folder.name)

    def _folder(self, upload: Upload) -> Path:
        folder = self._root / upload.id
        if not _ID.fullmatch(upload.id) or not folder.is_dir() or _key_in(folder) != upload.key:
            raise UploadNotFoundError(upload.key, upload.id)
        return folder


def _name(part: Part) -> str:
    return f"{part.number:05}-{part.etag}"


def _key_in(folder: Path) -> str:
    """Return the key of an upload; one whose process died before naming it has none."""
    named = folder / "key"
    return named.read_text() if named.is_file() else ""
