"""Writing objects to an S3 service: whole or in parts, each with its SHA-256, once or anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError

from app.storage.chunks import verify
from app.storage.errors import StoreUnavailableError
from app.storage.ports import MOST_PARTS, Upload
from app.storage.s3_bucket import Bucket, checksum
from app.storage.s3_client import code_of, translated

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_WRITTEN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"}
"""What is answered when another writer was first, or when a write whose answer was lost is sent
again."""


@dataclass(frozen=True, slots=True)
class Write:
    """An object to be written, from where its source stands."""

    key: str
    source: BinaryIO
    size: int
    promised: str | None
    """The SHA-256 that its bytes must have, where anybody has said."""
    media_type: str
    is_first: bool
    """A content address that nothing lies under: whoever else writes it writes the same."""


class Writer:
    """Writes to one bucket; ``part_size`` bytes are held in memory at a time."""

    def __init__(self, bucket: Bucket, part_size: int) -> None:
        self._bucket = bucket
        self._client = bucket.client
        self._part_size = part_size
        self._is_conditional = True

    def write(self, write: Write) -> None:
        """Write the object, unless another writer was first with the same."""
        put = self._put_parts if write.size > self._part_size else self._put_whole
        with translated(write.key):
            try:
                put(write)
            except ClientError as error:
                if not write.is_first or code_of(error) not in _WRITTEN:
                    raise

    def _put_whole(self, write: Write) -> None:
        data = write.source.read()
        actual = _sha256(data)
        verify(write.key, write.promised, actual)
        put = partial(
            self._client.put_object,
            **self._bucket.at(write.key),
            Body=data,
            ContentType=write.media_type,
            ChecksumSHA256=checksum(actual),
        )
        self._finish(put, write.is_first)

    def _put_parts(self, write: Write) -> None:
        """Upload part by part, and complete only what hashes as promised."""
        digest = hashlib.sha256()
        part_size = max(self._part_size, -(-write.size // MOST_PARTS))
        with self._upload(write) as (upload, parts):
            while data := write.source.read(part_size):
                digest.update(data)
                parts.append(self._put_part(upload, len(parts) + 1, data))
            verify(write.key, write.promised, digest.hexdigest())

    def _put_part(self, upload: Upload, number: int, data: bytes) -> CompletedPartTypeDef:
        sent = checksum(_sha256(data))
        taken = self._client.upload_part(
            **self._bucket.at(upload.key),
            UploadId=upload.id,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=sent,
        )
        return {"PartNumber": number, "ETag": taken["ETag"], "ChecksumSHA256": sent}

    @contextmanager
    def _upload(self, write: Write) -> Iterator[tuple[Upload, list[CompletedPartTypeDef]]]:
        """Complete the upload with the parts collected in it, or abort it."""
        at = self._bucket.at(write.key)
        begun = self._client.create_multipart_upload(
            **at, ContentType=write.media_type, ChecksumAlgorithm="SHA256"
        )
        upload = Upload(write.key, begun["UploadId"])
        parts: list[CompletedPartTypeDef] = []
        try:
            yield upload, parts
            complete = partial(
                self._client.complete_multipart_upload,
                **at,
                UploadId=upload.id,
                MultipartUpload={"Parts": parts},
            )
            self._finish(complete, write.is_first)
        except BaseException:
            with suppress(StoreUnavailableError):  # the sweep removes it then
                self._bucket.abort(upload)
            raise

    def _finish(self, send: Callable[..., Mapping[str, Any]], is_first: bool) -> None:
        """Write what must not be there yet, as far as the service knows how to see to that."""
        if is_first and self._is_conditional:
            try:
                _ = send(IfNoneMatch="*")["ETag"]  # what answers without is no S3
            except ClientError as error:
                if code_of(error) not in {"NotImplemented", "501"}:
                    raise
                self._is_conditional = False
            else:
                return
        _ = send()["ETag"]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
