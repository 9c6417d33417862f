import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen
from uuid import uuid4

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.httpchecksum import Sha256Checksum, StreamingChecksumBody
from botocore.stub import Stubber
from contracts.storage import (
    BLOB,
    COVER,
    TEXT,
    ConcurrencyContract,
    EndedUploadsContract,
    MultipartUploadsContract,
    ObjectStoreContract,
)
from moto import mock_aws

from app.storage.errors import (
    IntegrityMismatchError,
    StoreFullError,
    StoreUnavailableError,
    UploadNotFoundError,
)
from app.storage.factory import open_store
from app.storage.keys import key_of
from app.storage.ports import SMALLEST_PART, Storage, Upload
from app.storage.s3 import S3Store
from app.storage.s3_bucket import Bucket, checksum
from app.storage.s3_client import S3Options, open_client
from app.storage.s3_uploads import S3Uploads

OPTIONS = S3Options(
    region="us-east-1", access_key_id="test", secret_access_key="test", part_size=SMALLEST_PART
)
BIG = bytes(range(256)) * (SMALLEST_PART * 2 // 256) + TEXT
BIG_KEY = key_of(hashlib.sha256(BIG).hexdigest(), "pdf")

MODIFIED = datetime(2026, 1, 2, tzinfo=UTC)
LIES = {"ContentLength": len(TEXT), "ETag": '"tag"', "LastModified": MODIFIED}


@pytest.fixture
def storage() -> Iterator[Storage]:
    with mock_aws():
        open_client(OPTIONS).create_bucket(Bucket="library")
        yield open_store("s3://library/网络/one", s3=OPTIONS)


class TestS3Store(ObjectStoreContract):
    pass


class TestS3Uploads(MultipartUploadsContract):
    pass


@pytest.fixture
def real_options() -> S3Options:
    endpoint = os.environ.get("S3_ENDPOINT_URL")
    if not endpoint:
        pytest.skip("S3_ENDPOINT_URL is not set: no real service is here")
    return S3Options(endpoint_url=endpoint, part_size=SMALLEST_PART)


@pytest.fixture
def real_address() -> str:
    return f"s3://kaijuan-test-{uuid4().hex}/one"


@pytest.fixture
def real_storage(real_options: S3Options, real_address: str) -> Iterator[Storage]:
    client, bucket = open_client(real_options), urlsplit(real_address).netloc
    client.create_bucket(Bucket=bucket)
    storage = open_store(real_address, s3=real_options)
    yield storage
    for upload in storage.uploads.stale(timedelta(days=-1)):
        storage.uploads.abort(upload)
    for key in list(storage.objects.keys("")):
        storage.objects.delete(key)
    client.delete_bucket(Bucket=bucket)


@pytest.mark.engines
class TestRealS3Store(ObjectStoreContract, ConcurrencyContract):
    @pytest.fixture
    def storage(self, real_storage: Storage) -> Storage:
        return real_storage


@pytest.mark.engines
class TestRealS3Uploads(MultipartUploadsContract, EndedUploadsContract):
    @pytest.fixture
    def storage(self, real_storage: Storage) -> Storage:
        return real_storage


def test_a_large_file_goes_in_parts(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    stat = storage.objects.put_file(BIG_KEY, path)
    assert stat.etag.endswith("-3")
    assert storage.objects.read(BIG_KEY) == BIG
    assert list(storage.uploads.stale(timedelta(0))) == []


def test_a_large_file_with_another_digest_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG[:-1] + b"?")
    with pytest.raises(IntegrityMismatchError):
        storage.objects.put_file(BIG_KEY, path)
    assert list(storage.objects.keys()) == []
    assert list(storage.uploads.stale(timedelta(0))) == []


def test_a_whole_object_that_has_rotted_is_noticed(storage: Storage) -> None:
    storage.objects.put_bytes(BLOB, TEXT)
    rotten = {"Bucket": "library", "Key": f"网络/one/{BLOB}"}
    open_client(OPTIONS).put_object(**rotten, Body=TEXT[:-1] + b"?")
    with pytest.raises(IntegrityMismatchError):
        storage.objects.read(BLOB)
    with pytest.raises(IntegrityMismatchError):
        list(storage.objects.stream(BLOB, chunk=4))
    assert storage.objects.read(BLOB, 0, 3) == TEXT[:3]


def test_an_object_of_another_size_is_written_anew(storage: Storage) -> None:
    torn = {"Bucket": "library", "Key": f"网络/one/{BLOB}"}
    open_client(OPTIONS).put_object(**torn, Body=TEXT[:9])
    storage.objects.put_bytes(BLOB, TEXT)
    assert storage.objects.read(BLOB) == TEXT


def test_two_prefixes_of_one_bucket_do_not_see_each_other(storage: Storage) -> None:
    other = open_store("s3://library/two", s3=OPTIONS)
    storage.objects.put_bytes(BLOB, TEXT)
    assert (list(storage.objects.keys()), list(other.objects.keys())) == ([BLOB], [])


def test_a_signed_address_names_the_file_in_its_own_script() -> None:
    public = S3Options(
        region="cn-north-1",
        access_key_id="test",
        secret_access_key="test",
        endpoint_url="http://127.0.0.1:9000",
        public_endpoint_url="https://files.example.org",
    )
    url = open_store("s3://library", s3=public).objects.signed_url(
        COVER,
        expires=timedelta(minutes=5),
        filename='红楼梦 "一".epub',
        media_type="application/epub+zip",
        disposition="attachment",
    )
    parts = urlsplit(url or "")
    asked = parse_qs(parts.query)
    assert (parts.netloc, unquote(parts.path)) == ("files.example.org", f"/library/{COVER}")
    assert asked["X-Amz-Expires"] == ["300"]
    assert asked["response-cache-control"] == ["no-store"]
    (named,) = asked["response-content-disposition"]
    assert named.startswith("attachment; filename=\"___ ___.epub\"; filename*=UTF-8''")
    assert named.endswith("%E7%BA%A2%E6%A5%BC%E6%A2%A6%20%22%E4%B8%80%22.epub")


def test_a_service_that_is_away_is_worth_another_try() -> None:
    away = S3Options(
        endpoint_url="http://127.0.0.1:9",
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        attempts=1,
    )
    store = open_store("s3://library", s3=away).objects
    for ask in (store.check, lambda: store.stat(BLOB), lambda: store.put_bytes(COVER, TEXT)):
        with pytest.raises(StoreUnavailableError) as unavailable:
            ask()
        assert unavailable.value.retryable


def test_a_bucket_that_is_not_there_fails_the_check(storage: Storage) -> None:
    with pytest.raises(StoreUnavailableError) as unavailable:
        open_store("s3://nobody", s3=OPTIONS).objects.check()
    assert not unavailable.value.retryable


def test_secrets_are_not_shown_by_the_options() -> None:
    assert "hidden" not in repr(S3Options(secret_access_key="hidden"))


def test_an_upload_the_service_has_forgotten_is_not_found() -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    uploads = S3Uploads(bucket, S3Store(bucket, OPTIONS))
    forgotten = Upload("intake/a", "gone")
    with Stubber(bucket.client) as service:
        service.add_client_error("upload_part", "NoSuchUpload", http_status_code=404)
        service.add_client_error("abort_multipart_upload", "NoSuchUpload", http_status_code=404)
        with pytest.raises(UploadNotFoundError):
            uploads.put_part(forgotten, 1, BytesIO(TEXT), len(TEXT))
        uploads.abort(forgotten)


@pytest.mark.parametrize(
    ("code", "status", "error", "retryable"),
    [
        ("SlowDown", 503, StoreUnavailableError, True),
        ("AccessDenied", 403, StoreUnavailableError, False),
        ("QuotaExceeded", 507, StoreFullError, False),
    ],
)
def test_what_the_service_says_is_told_in_the_stores_words(
    code: str, status: int, error: type[StoreUnavailableError], retryable: bool
) -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    with Stubber(bucket.client) as service:
        service.add_client_error("put_object", code, http_status_code=status)
        with pytest.raises(error) as told:
            S3Store(bucket, OPTIONS).put_bytes(COVER, TEXT)
    assert told.value.retryable is retryable


class BreakingBody:
    """The body of an answer whose connection breaks at the first byte, twice."""

    broken = 0

    def __init__(self) -> None:
        self._left = [TEXT, b""]

    def read(self, size: int) -> bytes:
        if BreakingBody.broken < 2:
            BreakingBody.broken += 1
            raise IncompleteReadError(actual_bytes=0, expected_bytes=size)
        return self._left.pop(0)

    def close(self) -> None:
        return


def test_a_body_that_breaks_off_is_asked_for_again() -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    with Stubber(bucket.client) as service:
        for _ in range(3):
            service.add_response("get_object", {**LIES, "Body": BreakingBody()})
        assert S3Store(bucket, OPTIONS).read(COVER) == TEXT


def test_what_rotted_in_the_service_is_damage_and_no_absence() -> None:
    bucket = Bucket("library", "", open_client(OPTIONS))
    kept = checksum(hashlib.sha256(TEXT).hexdigest())
    with Stubber(bucket.client) as service:
        for body in (TEXT, b"?" * len(TEXT)):
            found = StreamingChecksumBody(BytesIO(body), len(TEXT), Sha256Checksum(), kept)
            service.add_response("get_object", {**LIES, "Body": found})
        store = S3Store(bucket, OPTIONS)
        assert store.read(COVER) == TEXT
        with pytest.raises(IntegrityMismatchError):
            store.read(COVER)


@pytest.fixture
def service() -> Iterator[tuple[S3Store, Stubber]]:
    """A store whose service answers as it is told, in order."""
    bucket = Bucket("library", "", open_client(OPTIONS))
    with Stubber(bucket.client) as stubber:
        yield S3Store(bucket, OPTIONS), stubber
        stubber.assert_no_pending_responses()


def test_of_writers_at_once_the_first_ones_bytes_stand(service: tuple[S3Store, Stubber]) -> None:
    store, answers = service
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    answers.add_response("head_object", LIES)
    assert store.put_bytes(BLOB, TEXT).etag == "tag"


def test_a_service_without_conditions_is_written_to_without(
    service: tuple[S3Store, Stubber],
) -> None:
    store, answers = service
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_client_error("put_object", "NotImplemented", http_status_code=501)
    answers.add_response("put_object", {"ETag": '"tag"'})
    answers.add_response("head_object", LIES)
    assert store.put_bytes(BLOB, TEXT).size == len(TEXT)


def test_a_size_that_was_not_sent_is_no_success(service: tuple[S3Store, Stubber]) -> None:
    store, answers = service
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_response("put_object", {"ETag": '"tag"'})
    answers.add_response("head_object", {**LIES, "ContentLength": 3})
    with pytest.raises(StoreUnavailableError, match="written as 3 bytes"):
        store.put_bytes(BLOB, TEXT)


def test_an_answer_of_something_else_is_no_answer(service: tuple[S3Store, Stubber]) -> None:
    store, answers = service
    asks: dict[str, Callable[[], object]] = {
        "get_object": lambda: store.stream(COVER),
        "head_object": lambda: store.stat(COVER),
        "put_object": lambda: store.put_bytes(COVER, TEXT),
        "list_objects_v2": lambda: list(store.keys()),
    }
    for asked, ask in asks.items():
        answers.add_response(asked, {})
        with pytest.raises(StoreUnavailableError, match="no S3 service"):
            ask()


def test_a_span_that_nobody_asked_for_is_refused(service: tuple[S3Store, Stubber]) -> None:
    store, answers = service
    answers.add_response("get_object", {**LIES, "Body": BytesIO(TEXT)})
    with pytest.raises(StoreUnavailableError, match="another span"):
        store.stream(BLOB, 3, 6)


def test_uploads_abandoned_long_ago_are_swept_and_no_others(
    service: tuple[S3Store, Stubber],
) -> None:
    store, answers = service
    now = datetime.now(UTC)
    begun = [("blobs/a", now - timedelta(days=9)), ("blobs/b", now - timedelta(hours=9))]
    listed = [{"Key": key, "UploadId": key, "Initiated": moment} for key, moment in begun]
    answers.add_response("list_multipart_uploads", {"Bucket": "library", "Uploads": listed})
    dropped = {"Bucket": "library", "Key": "blobs/a", "UploadId": "blobs/a"}
    answers.add_response("abort_multipart_upload", {}, dropped)
    assert store.sweep(timedelta(0)) == 1


@pytest.mark.engines
def test_signed_addresses_lead_to_the_public_name(
    real_storage: Storage, real_options: S3Options, real_address: str
) -> None:
    real_storage.objects.put_bytes(COVER, TEXT)
    public = (real_options.endpoint_url or "").replace("127.0.0.1", "localhost")
    options = replace(real_options, public_endpoint_url=public)
    url = open_store(real_address, s3=options).objects.signed_url(
        COVER,
        expires=timedelta(minutes=1),
        filename="红楼梦.txt",
        media_type="text/plain",
        disposition="attachment",
    )
    assert url
    assert url.startswith(public)
    with urlopen(url) as answer:  # noqa: S310  (an address that was made the line before)
        assert answer.read() == TEXT
        assert answer.headers["Content-Disposition"].endswith("%E6%A2%A6.txt")


@pytest.mark.engines
def test_a_real_service_keeps_the_checksum_and_gives_it_back(
    real_options: S3Options, real_address: str, real_storage: Storage
) -> None:
    real_storage.objects.put_bytes(COVER, TEXT)
    parts = urlsplit(real_address)
    found = open_client(real_options).get_object(
        Bucket=parts.netloc, Key=f"{parts.path[1:]}/{COVER}", ChecksumMode="ENABLED"
    )
    assert found["ChecksumSHA256"] == checksum(hashlib.sha256(TEXT).hexdigest())
    assert isinstance(found["Body"], StreamingChecksumBody)


@pytest.mark.engines
def test_writers_at_once_of_a_large_object_make_it_once(
    real_storage: Storage, tmp_path: Path
) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    with ThreadPoolExecutor(4) as pool:
        put = partial(real_storage.objects.put_file, BIG_KEY)
        stats = list(pool.map(put, [path] * 4))
    assert len({stat.etag for stat in stats}) == 1
    assert real_storage.objects.read(BIG_KEY) == BIG
    assert list(real_storage.uploads.stale(timedelta(days=-1))) == []
