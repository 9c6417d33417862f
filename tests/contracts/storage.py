"""What every store must do; each adapter runs it by a class with a ``storage`` fixture."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from app.storage.errors import (
    BadKeyError,
    BadPartsError,
    IntegrityMismatchError,
    ObjectNotFoundError,
    UploadNotFoundError,
)
from app.storage.keys import key_of
from app.storage.ports import SMALLEST_PART, ObjectStore, Part, Storage, Upload

TEXT = "满纸荒唐言，一把辛酸泪".encode()
DIGEST = hashlib.sha256(TEXT).hexdigest()
BLOB = key_of(DIGEST, "txt")
COVER = f"derived/{DIGEST}/cover-240.webp"


class ObjectStoreContract:
    """Whole objects."""

    @pytest.fixture
    def store(self, storage: Storage) -> ObjectStore:
        return storage.objects

    def test_what_was_put_is_read(self, store: ObjectStore) -> None:
        store.put_bytes(BLOB, TEXT)
        assert store.read(BLOB) == TEXT

    def test_a_file_is_put_and_stays_where_it_was(self, store: ObjectStore, tmp_path: Path) -> None:
        path = tmp_path / "石头记.txt"
        path.write_bytes(TEXT)
        assert store.put_file(BLOB, path, sha256=DIGEST).size == len(TEXT)
        assert store.read(BLOB) == path.read_bytes()

    def test_an_object_is_described(self, store: ObjectStore) -> None:
        put = store.put_bytes(BLOB, TEXT)
        stat = store.stat(BLOB)
        assert (stat.size, stat.sha256, stat) == (len(TEXT), DIGEST, put)
        assert abs(datetime.now(UTC) - stat.modified) < timedelta(minutes=5)
        assert stat.etag
        assert '"' not in stat.etag

    def test_a_derived_object_has_no_digest_of_its_own(self, store: ObjectStore) -> None:
        assert store.put_bytes(COVER, TEXT).sha256 is None

    def test_a_blob_that_is_there_is_not_written_again(self, store: ObjectStore) -> None:
        first = store.put_bytes(BLOB, TEXT)
        assert store.put_bytes(BLOB, TEXT) == first

    def test_a_derived_object_is_replaced_even_at_the_same_size(self, store: ObjectStore) -> None:
        store.put_bytes(COVER, b"old")
        store.put_bytes(COVER, b"new")
        assert store.read(COVER) == b"new"

    def test_bytes_that_are_not_their_key_are_refused(self, store: ObjectStore) -> None:
        with pytest.raises(IntegrityMismatchError) as refused:
            store.put_bytes(BLOB, b"other")
        assert refused.value.expected == DIGEST
        assert list(store.keys()) == []

    def test_bytes_that_are_not_their_digest_are_refused(self, store: ObjectStore) -> None:
        with pytest.raises(IntegrityMismatchError):
            store.put_bytes(COVER, b"other", sha256=DIGEST)
        with pytest.raises(ObjectNotFoundError):
            store.stat(COVER)

    def test_a_digest_that_is_not_the_keys_is_refused(self, store: ObjectStore) -> None:
        with pytest.raises(BadKeyError):
            store.put_bytes(BLOB, TEXT, sha256="0" * 64)

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 3), (3, 6), (3, None), (30, 900), (900, None), (0, 0), (900, 0)]
    )
    def test_a_span_is_read_as_a_slice(
        self, store: ObjectStore, start: int, length: int | None
    ) -> None:
        store.put_bytes(BLOB, TEXT)
        wanted = TEXT[start:][:length]
        assert store.read(BLOB, start, length) == wanted
        assert b"".join(store.stream(BLOB, start, length, chunk=2)) == wanted

    def test_a_span_never_runs_backwards(self, store: ObjectStore) -> None:
        with pytest.raises(ValueError, match="not a span"):
            store.read(BLOB, -1)
        with pytest.raises(ValueError, match="not a span"):
            store.stream(BLOB, 0, -1)

    def test_an_empty_object_is_an_object(self, store: ObjectStore) -> None:
        store.put_bytes("derived/empty", b"")
        assert store.stat("derived/empty").size == 0
        assert store.read("derived/empty") == store.read("derived/empty", 0, 10) == b""

    def test_chunks_are_no_longer_than_asked(self, store: ObjectStore) -> None:
        store.put_bytes(BLOB, TEXT)
        assert max(map(len, store.stream(BLOB, chunk=7))) == 7

    def test_a_stream_may_be_left_early(self, store: ObjectStore) -> None:
        store.put_bytes(BLOB, TEXT)
        stream = store.stream(BLOB, chunk=2)
        next(stream)
        stream.close()
        assert list(stream) == []

    def test_what_is_not_there_is_said_at_once(self, store: ObjectStore) -> None:
        for ask in (store.read, store.stream, store.stat):
            with pytest.raises(ObjectNotFoundError) as missed:
                ask(BLOB)
            assert missed.value.key == BLOB
        with pytest.raises(ObjectNotFoundError):
            store.read(BLOB, 0, 0)

    def test_the_beginning_of_a_key_is_no_object(self, store: ObjectStore) -> None:
        store.put_bytes(COVER, TEXT)
        for key in ("derived", f"{COVER}/below"):
            with pytest.raises(ObjectNotFoundError):
                store.read(key)
            with pytest.raises(ObjectNotFoundError):
                store.stat(key)

    def test_deleting_twice_is_deleting_once(self, store: ObjectStore) -> None:
        store.put_bytes(BLOB, TEXT)
        store.delete(BLOB)
        store.delete(BLOB)
        with pytest.raises(ObjectNotFoundError):
            store.stat(BLOB)

    def test_keys_come_in_the_order_of_their_bytes(self, store: ObjectStore) -> None:
        keys = ["a-b", "a/b", "a/c/d", "a/章", "a0", "b"]
        for key in reversed(keys):
            store.put_bytes(key, b"x")
        assert list(store.keys()) == keys
        assert list(store.keys("a/")) == ["a/b", "a/c/d", "a/章"]
        assert list(store.keys("a/c")) == ["a/c/d"]
        assert list(store.keys("c/d")) == []

    @pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", "a/", "a\0", "长" * 86])
    def test_a_key_that_leaves_the_store_is_refused(self, store: ObjectStore, key: str) -> None:
        for ask in (store.read, store.stream, store.stat, store.delete, store.local_path):
            with pytest.raises(BadKeyError):
                ask(key)
        with pytest.raises(BadKeyError):
            store.put_bytes(key, TEXT)

    def test_a_store_in_order_passes_its_check(self, store: ObjectStore) -> None:
        store.check()
        assert list(store.keys()) == []

    def test_sweeping_touches_no_object(self, store: ObjectStore) -> None:
        store.put_bytes(BLOB, TEXT)
        assert store.sweep(timedelta(0)) == 0
        assert store.read(BLOB) == TEXT


class MultipartUploadsContract:
    """Uploads in parts."""

    KEY = "intake/大文件.pdf"
    FIRST = b"\x01" * SMALLEST_PART

    def test_parts_in_any_order_become_one_object(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY, media_type="application/pdf")
        last = storage.uploads.put_part(upload, 2, BytesIO(TEXT), len(TEXT))
        first = storage.uploads.put_part(upload, 1, BytesIO(self.FIRST), SMALLEST_PART)
        stat = storage.uploads.complete(upload, [first, last])
        assert stat.size == SMALLEST_PART + len(TEXT)
        assert storage.objects.read(self.KEY) == self.FIRST + TEXT

    def test_a_part_sent_again_replaces_the_earlier(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        storage.uploads.put_part(upload, 1, BytesIO(b"old"), 3)
        storage.uploads.complete(upload, [storage.uploads.put_part(upload, 1, BytesIO(b"new"), 3)])
        assert storage.objects.read(self.KEY) == b"new"

    def test_only_the_bytes_of_the_part_are_read(self, storage: Storage) -> None:
        stream = BytesIO(TEXT)
        upload = storage.uploads.create(self.KEY)
        assert storage.uploads.put_part(upload, 1, stream, 6).size == 6
        assert stream.read() == TEXT[6:]

    def test_nothing_is_there_before_completion(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))
        assert list(storage.objects.keys()) == []

    def test_a_part_that_ends_early_is_refused(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        with pytest.raises(BadPartsError, match="ended at"):
            storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT) + 1)

    @pytest.mark.parametrize("number", [0, -1, 10_001])
    def test_a_part_out_of_range_is_refused(self, storage: Storage, number: int) -> None:
        upload = storage.uploads.create(self.KEY)
        with pytest.raises(BadPartsError):
            storage.uploads.put_part(upload, number, BytesIO(TEXT), len(TEXT))

    def test_small_parts_are_refused_but_for_the_last(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        parts = [storage.uploads.put_part(upload, n, BytesIO(TEXT), len(TEXT)) for n in (1, 2)]
        with pytest.raises(BadPartsError):
            storage.uploads.complete(upload, parts)
        storage.uploads.complete(upload, parts[:1])

    def test_parts_nobody_sent_are_refused(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        part = storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))
        for parts in ([], [part, part], [Part(3, part.size, part.etag)]):
            with pytest.raises(BadPartsError):
                storage.uploads.complete(upload, parts)

    def test_a_content_address_takes_no_unchecked_bytes(self, storage: Storage) -> None:
        with pytest.raises(BadKeyError):
            storage.uploads.create(BLOB)

    def test_what_was_left_can_be_found_and_dropped(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        assert list(storage.uploads.stale(timedelta(seconds=-5))) == [upload]
        storage.uploads.abort(upload)
        assert list(storage.uploads.stale(timedelta(seconds=-5))) == []


class ConcurrencyContract:
    """One object put by many at once; no stand-in for S3 is safe for threads."""

    def test_many_may_put_one_object_at_once(self, storage: Storage) -> None:
        with ThreadPoolExecutor(8) as pool:
            stats = list(pool.map(lambda _: storage.objects.put_bytes(BLOB, TEXT), range(16)))
        assert {stat.size for stat in stats} == {len(TEXT)}
        assert (list(storage.objects.keys()), storage.objects.read(BLOB)) == ([BLOB], TEXT)

    def test_replacing_is_seen_whole_or_not_at_all(self, storage: Storage) -> None:
        versions = [bytes([n]) * 100_000 for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda data: storage.objects.put_bytes(COVER, data), versions))
        assert storage.objects.read(COVER) in versions


class EndedUploadsContract:
    """Uploads that are over; no stand-in for S3 answers for these as S3 does."""

    KEY = MultipartUploadsContract.KEY

    def test_a_completed_upload_takes_no_more(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        part = storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))
        storage.uploads.complete(upload, [part])
        with pytest.raises(UploadNotFoundError):
            storage.uploads.put_part(upload, 2, BytesIO(b"more"), 4)

    def test_completing_again_changes_nothing(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        part = storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))
        first = storage.uploads.complete(upload, [part])
        with suppress(UploadNotFoundError):
            storage.uploads.complete(upload, [part])
        assert storage.objects.stat(self.KEY) == first

    def test_an_aborted_upload_takes_nothing(self, storage: Storage) -> None:
        upload = storage.uploads.create(self.KEY)
        storage.uploads.abort(upload)
        storage.uploads.abort(upload)
        with pytest.raises(UploadNotFoundError):
            storage.uploads.put_part(upload, 1, BytesIO(TEXT), len(TEXT))

    def test_an_upload_nobody_began_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(UploadNotFoundError):
            storage.uploads.put_part(Upload(self.KEY, "../../x"), 1, BytesIO(TEXT), len(TEXT))
