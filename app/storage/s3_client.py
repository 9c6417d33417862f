"""The client of an S3 service: its limits, and its errors turned into the store's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from app.storage.errors import (
    IntegrityMismatchError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ABSENT = {"NoSuchKey", "NotFound", "404"}
_MISMATCH = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"}
_FULL = {"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "507"}
_LATER = {
    "SlowDown", "RequestTimeout", "TooManyRequests", "OperationAborted", "InternalError",
    "ConditionalRequestConflict", "PreconditionFailed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class S3Options:
    """How an S3 service is reached. What is ``None`` follows boto3's own chain (``AWS_…``)."""

    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    """Where signed addresses point, when readers reach the service by another name."""
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    attempts: int = 2
    """Tries of one request, the first included."""
    pool: int = 64
    """Connections kept: at least as many as the threads that use the store."""
    part_size: int = 8 * 1024 * 1024
    """Bytes of a part in uploads of large files; also what such an upload holds in memory."""


def open_client(options: S3Options, *, endpoint_url: str | None = None) -> S3Client:
    """Make a client, safe for threads; it connects at its first request, so fork before that."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retries={"total_max_attempts": options.attempts, "mode": "standard"},
        max_pool_connections=options.pool,
        # Our own SHA-256 goes with every write; services of other makers refuse the trailers
        # that newer clients add on their own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url or options.endpoint_url,
        region_name=options.region,
        aws_access_key_id=options.access_key_id,
        aws_secret_access_key=options.secret_access_key,
        config=config,
    )


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Turn the client's errors into the store's."""
    try:
        yield
    except ClientError as error:
        raise _translated(key, error) from error
    except FlexibleChecksumError as error:
        raise IntegrityMismatchError(
            key, expected="the digest kept with it", actual=str(error)
        ) from error
    except BotoCoreError as error:
        retryable = not isinstance(error, NoCredentialsError)
        raise StoreUnavailableError(str(error), retryable=retryable) from error
    except (ResponseParserError, KeyError) as error:
        reason = f"an answer that no S3 service gives: {error}"
        raise StoreUnavailableError(reason, retryable=True) from error


def _translated(key: str, error: ClientError) -> StoreError:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _ABSENT:
        return ObjectNotFoundError(key)
    if code in _MISMATCH:
        return IntegrityMismatchError(key, expected="the digest sent with it", actual=code)
    if code in _FULL:
        return StoreFullError(str(error))
    return StoreUnavailableError(str(error), retryable=status >= 500 or code in _LATER)


def code_of(error: ClientError) -> str:
    """Return the service's code for what went wrong, or the status where it gives none."""
    return error.response.get("Error", {}).get("Code", "")
