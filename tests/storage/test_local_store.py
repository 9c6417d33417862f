import errno
import os
import subprocess
import sys
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from contracts.storage import (
    BLOB,
    COVER,
    TEXT,
    ConcurrencyContract,
    EndedUploadsContract,
    MultipartUploadsContract,
    ObjectStoreContract,
)

from app.storage.errors import (
    BadKeyError,
    IntegrityMismatchError,
    ObjectNotFoundError,
    StoreFullError,
)
from app.storage.factory import open_store
from app.storage.local import LocalStore
from app.storage.ports import Storage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "存储"


@pytest.fixture
def storage(root: Path) -> Storage:
    return open_store(root.as_uri())


class TestLocalStore(ObjectStoreContract, ConcurrencyContract):
    pass


class TestLocalUploads(MultipartUploadsContract, EndedUploadsContract):
    pass


class FullFile:
    """A new file on a disk that has room for three bytes more."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def __enter__(self) -> "FullFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._file.write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_half_done(root: Path) -> None:
    store = LocalStore(root, create=FullFile)
    with pytest.raises(StoreFullError) as full:
        store.put_bytes(BLOB, TEXT)
    assert not full.value.retryable
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_full_disk_keeps_what_a_derived_object_was(root: Path, storage: Storage) -> None:
    storage.objects.put_bytes(COVER, b"old")
    with pytest.raises(StoreFullError):
        LocalStore(root, create=FullFile).put_bytes(COVER, b"new")
    assert storage.objects.read(COVER) == b"old"


PUT_FROM_PIPE = """
import sys
from pathlib import Path
from app.storage.local import LocalStore
LocalStore(Path(sys.argv[1])).put_file("derived/torn", Path(sys.argv[2]))
"""


def test_a_put_killed_midway_leaves_nothing_readable(root: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = subprocess.Popen([sys.executable, "-c", PUT_FROM_PIPE, str(root), str(pipe)])
    with pipe.open("wb", buffering=0) as source:
        source.write(b"x" * 60_000)
        while not list((root / "incoming").iterdir()):
            time.sleep(0.01)
        child.kill()
        child.wait()
    store = LocalStore(root)
    assert list(store.keys()) == []
    assert (store.sweep(timedelta(hours=1)), store.sweep(timedelta(0))) == (0, 1)
    assert list((root / "incoming").iterdir()) == []


def test_an_object_has_a_path_to_be_sent_from(storage: Storage) -> None:
    storage.objects.put_bytes(BLOB, TEXT)
    path = storage.objects.local_path(BLOB)
    assert path is not None
    assert path.read_bytes() == TEXT
    with pytest.raises(ObjectNotFoundError):
        storage.objects.local_path(COVER)


def test_a_key_below_another_object_is_refused(root: Path, storage: Storage) -> None:
    storage.objects.put_bytes("derived/a", TEXT)
    with pytest.raises(BadKeyError):
        storage.objects.put_bytes("derived/a/b", TEXT)
    with pytest.raises(BadKeyError):
        storage.objects.put_bytes("derived", TEXT)
    assert list((root / "incoming").iterdir()) == []


def test_a_derived_object_changes_its_tag_when_replaced(storage: Storage) -> None:
    first = storage.objects.put_bytes(COVER, b"old")
    assert storage.objects.put_bytes(COVER, b"new").etag != first.etag


def test_a_whole_object_that_has_rotted_is_noticed(root: Path, storage: Storage) -> None:
    storage.objects.put_bytes(BLOB, TEXT)
    (root / "objects" / BLOB).write_bytes(TEXT[:-1] + b"?")
    with pytest.raises(IntegrityMismatchError):
        storage.objects.read(BLOB)
    with pytest.raises(IntegrityMismatchError):
        list(storage.objects.stream(BLOB, chunk=4))


def test_there_is_no_address_for_others(storage: Storage) -> None:
    store = storage.objects
    assert (
        store.signed_url(
            BLOB,
            expires=timedelta(minutes=5),
            filename="红楼梦.txt",
            media_type="text/plain",
            disposition="inline",
        )
        is None
    )


def test_an_upload_in_use_is_not_stale(storage: Storage) -> None:
    upload = storage.uploads.create("intake/a")
    storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))
    assert list(storage.uploads.stale(timedelta(hours=1))) == []


@pytest.mark.parametrize("url", ["ftp://a/b", "file://host/a", "file:a", "s3://", ""])
def test_an_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a store"):
        open_store(url)
