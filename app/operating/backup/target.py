"""Where backups lie: a folder or a bucket, with any number of generations that share objects.

``generations/2026-01-31T020000.000000Z/…`` are the parts of each, the manifest last;
``blobs/ab/cd/abcd…`` the objects of all of them, each under its SHA-256.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

from app.config import Settings
from app.operating.backup.manifest import BackupError, DamagedError, Manifest, Part, seal, unseal
from app.storage.errors import ObjectNotFoundError, StoreError
from app.storage.factory import open_store
from app.storage.keys import key_of
from app.storage.local import LocalStore
from app.storage.ports import ObjectStore
from app.storage.s3_client import S3Options

_GENERATIONS = "generations/"
_MANIFEST = "manifest.json"
_LEAST_LEFT = 16 * 1024 * 1024
"""Bytes that a backup leaves free on its disk."""


class Target:
    """A place for backups. ``folder`` is where its files lie, if it is one of files."""

    def __init__(self, address: str, store: ObjectStore, folder: Path | None) -> None:
        self.address, self.store, self.folder = address, store, folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other backup of this machine works on this folder meanwhile.

        :raises BackupError: when one does.
        """
        if self.folder is None:
            with suppress(StoreError):  # tidying up is no reason to go without a backup
                self.store.sweep(timedelta(0))
            yield
            return
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.store.sweep(timedelta(0))  # what killed backups left half written
            yield
        except BlockingIOError as error:
            raise BackupError(f"Another backup is writing to {self.address}.") from error
        finally:
            os.close(lock)

    def require(self, size: int) -> None:
        """Returns where there is room for so many bytes, or where nobody can say.

        :raises BackupError: when there is not.
        """
        if self.folder is None:
            return
        free = shutil.disk_usage(self.folder).free
        if free < size + _LEAST_LEFT:
            raise BackupError(
                f"{self.address} has {free / 2**20:,.0f} MiB left and {size / 2**20:,.0f} MiB more "
                "are to be written. Make room, or keep fewer generations; those that are there "
                "stay whole."
            )

    def put(self, generation: str, name: str, path: Path) -> Part:
        """Keeps a file as a part of this generation."""
        digest, size = digest_of(path), path.stat().st_size
        self.store.put_file(_key(generation, name), path, sha256=digest)
        return Part(name, size, digest)

    def finish(self, generation: str, manifest: Manifest) -> None:
        """Makes the generation complete."""
        self.store.put_bytes(_key(generation, _MANIFEST), seal(manifest))

    def generations(self) -> dict[str, bool]:
        """Every generation, oldest first, and whether it is complete."""
        found: dict[str, bool] = {}
        for key in self.store.keys(_GENERATIONS):
            name, _, part = key.removeprefix(_GENERATIONS).partition("/")
            found[name] = found.get(name, False) or part == _MANIFEST
        return dict(sorted(found.items()))

    def complete(self) -> list[str]:
        """The generations that are complete, oldest first."""
        return [name for name, is_complete in self.generations().items() if is_complete]

    def chosen(self, generation: str | None, at: datetime | None = None) -> str:
        """The complete generation that begins so; the newest if left out, or up to a moment.

        :raises BackupError: when there is none, or more than one.
        """
        fitting = [name for name in self.complete() if name.startswith(generation or "")]
        if at is not None:
            fitting = [name for name in fitting if name <= name_of(at)]
        if not fitting:
            raise BackupError(f"{self.address} has no such complete backup: see --list.")
        if generation and len(fitting) > 1:
            raise BackupError(f"{generation} may be any of {', '.join(fitting)}: say more.")
        return fitting[-1]

    def manifest(self, generation: str) -> Manifest:
        """What a generation says of itself.

        :raises DamagedError: when it cannot be believed.
        """
        key = _key(generation, _MANIFEST)
        return unseal(self.store.read(key), key)

    def fetch(self, generation: str, part: Part, folder: Path) -> Path:
        """A part as a file in ``folder``, its digest compared.

        :raises DamagedError: when it is missing, or other bytes than were put.
        """
        path = folder / part.name.replace("/", "-")
        key = _key(generation, part.name)
        digest = hashlib.sha256()
        try:
            with path.open("wb") as file:
                for data in self.store.stream(key):
                    digest.update(data)
                    file.write(data)
        except ObjectNotFoundError as error:
            raise DamagedError(key, "it is missing") from error
        if digest.hexdigest() != part.sha256:
            raise DamagedError(key, "its bytes do not hash as the manifest says")
        return path

    def size_of(self, sha256: str) -> int | None:
        """The size of the object of this digest, ``None`` where it is not here."""
        try:
            return self.store.stat(key_of(sha256)).size
        except ObjectNotFoundError:
            return None

    def remove(self, generation: str) -> None:
        """Removes a generation: its manifest first, so that what is left of it is incomplete."""
        self.store.delete(_key(generation, _MANIFEST))
        for key in list(self.store.keys(_key(generation, ""))):
            self.store.delete(key)


def open_target(address: str, settings: Settings, *, create: bool = False) -> Target:
    """The place at ``s3://bucket/prefix``, or a folder's; what is there already is only read
    unless it is to be created.

    :raises BackupError: for a place that is not there, or is the library's own: forgetting old
        generations would remove from it what they do not name.
    """
    if "://" in address:
        return _bucket(address, settings)
    folder = Path(address).expanduser().resolve()
    if folder.is_relative_to(settings.data_dir):
        raise BackupError(f"{folder} lies within the data directory: it would be lost with it.")
    own = urlsplit(settings.storage_url)
    if own.scheme == "file" and folder.is_relative_to(Path(unquote(own.path)).resolve()):
        raise BackupError(f"{folder} lies within the library's own store: take another folder.")
    if not create and not (folder / "objects").is_dir():
        raise BackupError(f"There are no backups in {folder}.")
    try:
        if create:
            _make_private(folder)
        return Target(str(folder), LocalStore(folder, create=_open_private), folder)
    except (OSError, StoreError) as error:
        raise BackupError(f"{folder} cannot be used: {error}.") from error


def _bucket(address: str, settings: Settings) -> Target:
    parts, own = urlsplit(address), urlsplit(settings.storage_url)
    if parts.scheme != "s3" or not parts.netloc:
        raise BackupError(f"{address} is neither a folder nor s3://bucket/prefix.")
    if _where(parts) == _where(own):
        raise BackupError(f"{address} is the library's own store: take another prefix.")
    options = S3Options(**asdict(settings.s3))
    return Target(address, open_store(address, s3=options).objects, None)


def _where(parts: SplitResult) -> tuple[str, str, str]:
    return parts.scheme, parts.netloc, unquote(parts.path).strip("/")


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for below in ("objects", "incoming"):
        (folder / below).mkdir(exist_ok=True)
        (folder / below).chmod(0o700)


def _open_private(path: Path) -> BinaryIO:
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _key(generation: str, name: str) -> str:
    return f"{_GENERATIONS}{generation}/{name}"


def name_of(point: datetime) -> str:
    """``2026-01-31T020000.000000Z``: sorts by time, and every file system takes it."""
    return f"{point.astimezone(UTC):%Y-%m-%dT%H%M%S.%fZ}"


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
