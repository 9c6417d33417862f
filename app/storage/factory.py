"""A store from its address."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.storage.local import LocalStore
from app.storage.local_uploads import LocalUploads
from app.storage.memory import MemoryStore, MemoryUploads
from app.storage.ports import Storage
from app.storage.s3 import S3Store
from app.storage.s3_bucket import Bucket
from app.storage.s3_client import S3Options, open_client
from app.storage.s3_uploads import S3Uploads


def open_store(url: str, *, s3: S3Options | None = None) -> Storage:
    """Open the store at ``file:///folder``, ``s3://bucket[/prefix]`` or ``memory://``.

    Raises:
        ValueError: another scheme, a folder that is not absolute, no bucket.
        StoreUnavailableError: the folder cannot be made. Buckets are first asked by ``check``.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme == "memory":
        return _in_memory()
    if parts.scheme == "file" and not parts.netloc and path.startswith("/"):
        return _in_files(Path(path))
    if parts.scheme == "s3" and parts.netloc:
        return _in_bucket(parts.netloc, path, s3 or S3Options())
    raise ValueError(f"not the address of a store: {url!r}")


def _in_memory() -> Storage:
    store = MemoryStore()
    return Storage(store, MemoryUploads(store))


def _in_files(root: Path) -> Storage:
    store = LocalStore(root)
    return Storage(store, LocalUploads(root, store))


def _in_bucket(name: str, prefix: str, options: S3Options) -> Storage:
    bucket = Bucket(name, prefix, open_client(options))
    store = S3Store(bucket, options)
    return Storage(store, S3Uploads(bucket, store))
