"""Imports that are sent over HTTP, done by a worker, listed and undone."""

import gzip
from io import BytesIO
from pathlib import Path

import pytest
from house import House, json_lines

from .looking import batches, catalogue, row

SEND = "/api/v1/imports?format=jsonl&name=a.jsonl"


@pytest.fixture
def file(tmp_path: Path) -> bytes:
    """Two records."""
    return json_lines(tmp_path / "f", [{}, {}]).read_bytes()


def test_a_sent_file_is_imported_by_a_worker_and_can_be_undone(house: House, file: bytes) -> None:
    token = house.token()
    assert house.client.post(SEND, data=gzip.compress(file), headers=token).status_code == 202
    house.work()
    [batch] = house.json("/api/v1/imports", headers=token)["items"]
    assert (batch["name"], batch["state"], batch["added"]) == ("a.jsonl", "done", 2)
    undone = house.client.post(f"/api/v1/imports/{batch['id']}/undo", headers=token)
    house.work()
    assert (undone.status_code, row(house, "1").state) == (202, "withdrawn")


@pytest.mark.parametrize("name", ["..", ".", "长" * 200, "记录 表.jsonl", " . "])
def test_any_name_will_do(house: House, file: bytes, name: str) -> None:
    query = {"format": "jsonl", "name": name}
    answer = house.client.post(
        "/api/v1/imports", query_string=query, data=file, headers=house.token()
    )
    house.work()
    assert (answer.status_code, batches(house)) == (202, ["done"])


def test_a_file_sent_twice_under_one_key_is_imported_once(house: House, file: bytes) -> None:
    headers = {**house.token(), "Idempotency-Key": "sent-once"}
    answers = [house.client.post(SEND, data=file, headers=headers) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    house.work()
    assert (len(catalogue(house)), batches(house)) == (2, ["done"])


def test_another_file_under_the_same_key_is_refused(house: House, file: bytes) -> None:
    headers = {**house.token(), "Idempotency-Key": "sent-once"}
    assert house.client.post(SEND, data=file, headers=headers).status_code == 202
    other = file.replace("第1部书".encode(), "第3部书".encode())
    assert house.client.post(SEND, data=other, headers=headers).status_code == 409
    assert len(list(house.adapters.store.keys("intake/"))) == 1


@pytest.mark.parametrize("terminated", [False, True])
def test_a_file_that_broke_off_on_its_way_is_refused_and_not_kept(
    house: House, file: bytes, terminated: bool
) -> None:
    headers = {**house.token(), "Idempotency-Key": "broke-off"}
    environ = {"wsgi.input_terminated": terminated, "CONTENT_LENGTH": str(len(file))}
    torn, whole = (
        house.client.post(
            SEND, input_stream=BytesIO(sent), headers=headers, environ_overrides=environ
        )
        for sent in (file[:-9], file)
    )
    assert (torn.status_code, whole.status_code) == (400, 202)
    assert b"/problems/malformed" in torn.data
    assert len(list(house.adapters.store.keys("intake/"))) == 1
    house.work()
    assert len(catalogue(house)) == 2


def test_nobody_waits_for_a_file_that_comes_slowly(house: House, file: bytes) -> None:
    class Slow(BytesIO):
        """Somebody else writes while it comes."""

        def read(self, size: int | None = -1, /) -> bytes:
            house.record("别人的书")
            return super().read(size)

    headers = {**house.token(), "Idempotency-Key": "sent-slowly"}
    assert house.client.post(SEND, input_stream=Slow(file), headers=headers).status_code == 202


def test_whoever_sent_a_file_can_ask_how_far_it_is(house: House, file: bytes) -> None:
    sender, other = house.token(), house.token()
    place = house.client.post(SEND, data=file, headers=sender).headers["Location"]
    assert house.json(place, headers=sender)["state"] == "waiting"
    house.work()
    done = house.json(place, headers=sender)
    assert (done["state"], done["read"], done["error"]) == ("done", 2, None)
    assert house.json(f"/api/v1/imports/{done['import_id']}", headers=sender)["added"] == 2
    undo = house.client.post(f"/api/v1/imports/{done['import_id']}/undo", headers=sender)
    assert house.json(undo.headers["Location"], headers=sender)["import_id"] == done["import_id"]
    statuses = [house.client.get(place, headers=h).status_code for h in (other, None)]
    assert statuses == [404, 401]
    assert house.client.get(place, headers=house.token("operator")).status_code == 200


def test_nothing_of_a_sent_file_is_left_beside_the_store(house: House, file: bytes) -> None:
    house.client.post(SEND, data=file, headers=house.token())
    house.work()
    assert list((house.settings.data_dir / "run" / "tmp").iterdir()) == []


def test_a_file_for_another_library_is_refused_and_not_kept(house: House, file: bytes) -> None:
    house.network()
    token = house.token("cataloguer", "north")
    for library, status in (("south", 403), ("nation", 403), ("nowhere", 404), ("north-1", 202)):
        answer = house.client.post(f"{SEND}&library={library}", data=file, headers=token)
        assert answer.status_code == status, library
    assert len(list(house.adapters.store.keys("intake/"))) == 1


def test_imports_of_other_libraries_are_not_shown_nor_undone(house: House, tmp_path: Path) -> None:
    house.network()
    report = house.import_file(json_lines(tmp_path / "f", [{}]), "south")
    north, south = house.token("cataloguer", "north"), house.token("cataloguer", "nation")
    path = f"/api/v1/imports/{report.id}"
    for token, status, listed in ((north, 404, 0), (south, 200, 1)):
        assert len(house.json("/api/v1/imports", headers=token)["items"]) == listed
        assert house.client.get(path, headers=token).status_code == status
        assert house.client.get(f"{path}/problems", headers=token).status_code == status
    assert house.client.post(f"{path}/undo", headers=north).status_code == 404


def test_who_may_not_import_is_told_so(house: House, file: bytes) -> None:
    assert house.client.post(SEND, data=file).status_code == 401
    assert house.client.post(SEND, data=file, headers=house.token("operator")).status_code == 403
