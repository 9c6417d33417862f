"""Objects in a bucket of an S3 service (API of 2006-03-01, path-style, signature v4)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from botocore.exceptions import ClientError

from app.storage.chunks import Chunks, check_span
from app.storage.errors import IntegrityMismatchError, ObjectNotFoundError, StoreUnavailableError
from app.storage.keys import checked, checked_prefix, digest_in, promised_digest
from app.storage.ports import CHUNK, MOST_PARTS, OCTETS, Stat
from app.storage.s3_client import S3Options, code_of, open_client, translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_UNQUOTABLE = re.compile(r'[^ -~]|["\\%]')

BODY_ATTEMPTS = 3
"""Tries of :meth:`S3Store.read`: the client retries requests, never the bodies of answers."""


class Bucket:
    """A bucket, the prefix of its keys that is ours, and the client that reaches it."""

    def __init__(self, name: str, prefix: str, client: S3Client) -> None:
        self.name = name
        self.prefix = f"{checked_prefix(prefix.strip('/'))}/" if prefix.strip("/") else ""
        self.client = client

    def at(self, key: str) -> dict[str, Any]:
        """Return the arguments that name an object to the client."""
        return {"Bucket": self.name, "Key": self.prefix + checked(key)}

    def key_in(self, full: str) -> str:
        """Return the key of an object as the bucket names it."""
        return full.removeprefix(self.prefix)


class S3Store:
    """The :class:`~app.storage.ports.ObjectStore` of any number of machines."""

    def __init__(self, bucket: Bucket, options: S3Options) -> None:
        self._bucket = bucket
        self._client = bucket.client
        self._part_size = options.part_size
        public = options.public_endpoint_url
        self._signer = open_client(options, endpoint_url=public) if public else bucket.client

    def put_file(
        self, key: str, path: Path, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        with path.open("rb") as source:
            size = path.stat().st_size
            return self._put(key, source, size, promised_digest(key, sha256), media_type)

    def put_bytes(
        self, key: str, data: bytes, *, sha256: str | None = None, media_type: str = OCTETS
    ) -> Stat:
        return self._put(key, BytesIO(data), len(data), promised_digest(key, sha256), media_type)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        for attempt in range(1, BODY_ATTEMPTS + 1):
            try:
                return b"".join(self.stream(key, start, length))
            except StoreUnavailableError as error:
                if not error.retryable or attempt == BODY_ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def stream(
        self, key: str, start: int = 0, length: int | None = None, *, chunk: int = CHUNK
    ) -> Chunks:
        check_span(start, length)
        if length == 0:
            self.stat(key)
            return Chunks(BytesIO(), 0, chunk)
        asked = self._bucket.at(key)
        if start or length is not None:
            asked["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        with translated(key):
            try:
                found = self._client.get_object(**asked)
            except ClientError as error:
                if code_of(error) not in {"InvalidRange", "416"}:
                    raise
                return Chunks(BytesIO(), 0, chunk)
        return Chunks(found["Body"], found["ContentLength"], chunk, lambda: translated(key))

    def stat(self, key: str) -> Stat:
        with translated(key):
            found = self._client.head_object(**self._bucket.at(key))
        etag = found["ETag"].strip('"')
        return Stat(found["ContentLength"], etag, found["LastModified"], digest_in(key))

    def delete(self, key: str) -> None:
        with translated(key):
            self._client.delete_object(**self._bucket.at(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        full = self._bucket.prefix + checked_prefix(prefix)
        with translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=full
            )
            for page in pages:
                for found in page.get("Contents", []):
                    yield self._bucket.key_in(found["Key"])

    def local_path(self, key: str) -> None:
        checked(key)

    def signed_url(
        self, key: str, *, expires: timedelta, filename: str, media_type: str, disposition: str
    ) -> str:
        return self._signer.generate_presigned_url(
            "get_object",
            Params={
                **self._bucket.at(key),
                "ResponseContentDisposition": content_disposition(disposition, filename),
                "ResponseContentType": media_type,
                "ResponseCacheControl": "no-store",
            },
            ExpiresIn=int(expires.total_seconds()),
            HttpMethod="GET",
        )

    def sweep(self, *_: object) -> int:
        """Nothing here: what killed writers leave in a bucket are stale uploads."""
        return 0

    def check(self) -> None:
        try:
            with translated(self._bucket.name):
                self._client.head_bucket(Bucket=self._bucket.name)
        except ObjectNotFoundError as error:
            raise StoreUnavailableError(
                f"no bucket {self._bucket.name}", retryable=False
            ) from error

    def _put(
        self, key: str, source: BinaryIO, size: int, promised: str | None, media_type: str
    ) -> Stat:
        if kept := self._kept(key, size):
            return kept
        if size > self._part_size:
            self._put_parts(key, source, size, promised, media_type)
        else:
            data = source.read()
            actual = _sha256(data)
            _verify(key, promised, actual)
            with translated(key):
                self._client.put_object(
                    **self._bucket.at(key),
                    Body=data,
                    ContentType=media_type,
                    ChecksumSHA256=checksum(actual),
                )
        return self.stat(key)

    def _kept(self, key: str, size: int) -> Stat | None:
        if digest_in(checked(key)) is None:
            return None
        try:
            kept = self.stat(key)
        except ObjectNotFoundError:
            return None
        return kept if kept.size == size else None

    def _put_parts(
        self, key: str, source: BinaryIO, size: int, promised: str | None, media_type: str
    ) -> None:
        """Upload part by part, and complete only what hashes as promised."""
        digest = hashlib.sha256()
        with self._upload(key, media_type) as (upload_id, parts):
            part_size = max(self._part_size, -(-size // MOST_PARTS))
            while data := source.read(part_size):
                digest.update(data)
                parts.append(self._put_part(key, upload_id, len(parts) + 1, data))
            _verify(key, promised, digest.hexdigest())

    def _put_part(self, key: str, upload_id: str, number: int, data: bytes) -> CompletedPartTypeDef:
        sent = checksum(_sha256(data))
        taken = self._client.upload_part(
            **self._bucket.at(key),
            UploadId=upload_id,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=sent,
        )
        return {"PartNumber": number, "ETag": taken["ETag"], "ChecksumSHA256": sent}

    @contextmanager
    def _upload(
        self, key: str, media_type: str
    ) -> Iterator[tuple[str, list[CompletedPartTypeDef]]]:
        """Complete the upload with the parts collected in it, or abort it."""
        at = self._bucket.at(key)
        with translated(key):
            upload_id = self._client.create_multipart_upload(
                **at, ContentType=media_type, ChecksumAlgorithm="SHA256"
            )["UploadId"]
            parts: list[CompletedPartTypeDef] = []
            try:
                yield upload_id, parts
                self._client.complete_multipart_upload(
                    **at, UploadId=upload_id, MultipartUpload={"Parts": parts}
                )
            except BaseException:
                self._client.abort_multipart_upload(**at, UploadId=upload_id)
                raise


def checksum(sha256: str) -> str:
    """Return a digest as S3 asks for it: base64 of its 32 bytes."""
    return b64encode(bytes.fromhex(sha256)).decode()


def content_disposition(disposition: str, filename: str) -> str:
    """Return a Content-Disposition that names the file in any script (RFC 6266, RFC 8187)."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename
    )
    exact = quote(filename, safe="!#$&+-.^_`|~")
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _verify(key: str, promised: str | None, actual: str) -> None:
    if promised and actual != promised:
        raise IntegrityMismatchError(key, expected=promised, actual=actual)
