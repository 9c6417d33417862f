"""Files of readers over HTTP: sent by the library's own staff, sealed, imported, undone."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from house import House

from app.database import now
from app.identity import tasks
from app.identity.services import sending
from app.sealing import UnsealError

from .rosters import LIBRARY, known, readers, table

PLACE = f"/api/v1/libraries/{LIBRARY}/readers/imports"


@pytest.fixture
def net(house: House) -> House:
    """A network of libraries."""
    house.network()
    return house


@pytest.fixture
def file(tmp_path: Path) -> bytes:
    """Three readers, and a row that is none."""
    return table(tmp_path / "f", *readers(range(3)), "坏的").read_bytes()


def staff(house: House, library: str = LIBRARY) -> dict[str, str]:
    """The headers of a librarian's token."""
    return house.token("librarian", library)


def send(house: House, file: bytes, headers: dict[str, str], **query: Any) -> Any:
    given = {"name": "读者.csv", "format": "csv", **query}
    return house.client.post(PLACE, query_string=given, data=file, headers=headers)


def test_a_sent_file_is_imported_by_a_worker_listed_and_undone(net: House, file: bytes) -> None:
    mine = staff(net)
    sent = send(net, file, mine)
    assert sent.status_code == 202, sent.text
    net.work()
    job = net.json(sent.headers["Location"], headers=mine)
    assert (job["state"], job["read"], job["error"]) == ("done", 4, None)
    [batch] = net.json(PLACE, headers=mine)["items"]
    assert (batch["id"], batch["added"], batch["refused"]) == (job["import_id"], 3, 1)
    found = net.json(f"{PLACE}/{batch['id']}/problems", headers=mine)["items"]
    assert [(one["place"], one["code"]) for one in found] == [("line 5", "card-invalid")]
    assert net.client.post(f"{PLACE}/{batch['id']}/undo", headers=mine).status_code == 202
    net.work()
    assert net.json(f"{PLACE}/{batch['id']}", headers=mine)["state"] == "undone"


def test_the_whole_can_be_told_over_http(net: House, file: bytes, tmp_path: Path) -> None:
    mine = staff(net)
    for rows in (range(10), range(9)):
        send(net, table(tmp_path / "w", *readers(rows)).read_bytes(), mine, whole="true")
        net.work()
    newest = net.json(PLACE, headers=mine)["items"][0]
    assert (newest["whole"], newest["missing"], newest["suspended"]) == (True, 1, 1)


def test_a_file_waits_sealed_and_is_gone_when_it_is_done(net: House, file: bytes) -> None:
    send(net, file, staff(net))
    [key] = net.adapters.store.keys("intake/")
    kept = b"".join(net.adapters.store.stream(key))
    assert "王小明".encode() not in kept
    assert b"A000001" not in kept
    net.work()
    assert list(net.adapters.store.keys("intake/")) == []
    assert list((net.settings.data_dir / "run" / "tmp").iterdir()) == []


def test_a_sealed_file_that_was_cut_or_changed_is_not_read(net: House) -> None:
    sealer = net.adapters.sealer
    whole = b"".join(sealer.seal_file("p", "owner", [b"one", b"two"]))
    frames = len(whole) // 3
    assert b"".join(sealer.unseal_file("p", "owner", [whole])) == b"onetwo"
    for broken in (whole[:-1], whole[:frames], whole[frames:] + whole[:frames], whole[::-1]):
        with pytest.raises(UnsealError):
            list(sealer.unseal_file("p", "owner", [broken]))


def test_a_file_that_could_not_be_imported_is_kept_for_a_week(
    net: House, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(net, file, staff(net))
    waiting = list(net.adapters.store.keys("intake/"))
    for days, left in ((6, waiting), (8, [])):
        later = now() + timedelta(days=days)  # of ours alone: a store wants the true time
        monkeypatch.setattr(sending, "now", partial(lambda at: at, later))
        tasks.forget_sent(net.adapters)
        assert list(net.adapters.store.keys("intake/")) == left


@pytest.mark.parametrize(("library", "status"), [
    ("south", 403), ("nation", 202), ("north", 202), (LIBRARY, 202),
])  # fmt: skip
def test_only_who_manages_the_librarys_readers_sends_them(
    net: House, file: bytes, library: str, status: int
) -> None:
    assert send(net, file, staff(net, library)).status_code == status
    kept = list(net.adapters.store.keys("intake/"))
    assert len(kept) == (1 if status == 202 else 0)


def test_other_roles_and_unproven_sessions_send_none(net: House, file: bytes) -> None:
    assert send(net, file, {}).status_code == 401
    assert send(net, file, net.token("cataloguer", LIBRARY)).status_code == 403
    unproven = net.secret("link", "librarian", LIBRARY)
    assert send(net, file, {"Authorization": f"Bearer {unproven}"}).status_code == 401


def test_imports_of_another_library_are_not_shown_nor_undone(net: House, file: bytes) -> None:
    send(net, file, staff(net))
    net.work()
    [batch] = net.json(PLACE, headers=staff(net))["items"]
    for library, place, status in (
        ("south", PLACE, 403),
        ("south", PLACE.replace(LIBRARY, "south"), 404),
        ("north", PLACE, 200),
    ):
        headers = staff(net, library)
        one = f"{place}/{batch['id']}"
        for path in (one, f"{one}/problems"):
            assert net.client.get(path, headers=headers).status_code == status, path
        if status != 200:
            assert net.client.post(f"{one}/undo", headers=headers).status_code == status
    assert known(net, "A000001").state == "open"


def test_a_file_sent_twice_under_one_key_is_imported_once(net: House, file: bytes) -> None:
    headers = {**staff(net), "Idempotency-Key": "sent-once"}
    answers = [send(net, file, headers) for _ in range(2)]
    assert answers[0].json == answers[1].json
    net.work()
    assert len(net.json(PLACE, headers=staff(net))["items"]) == 1


def test_imported_readers_are_listed_by_what_may_be_shown(net: House, file: bytes) -> None:
    send(net, file, staff(net))
    net.work()
    path = f"/api/v1/libraries/{LIBRARY}/readers"
    [one] = net.json(f"{path}?q=A000001", headers=staff(net))["items"]
    assert (one["name"], one["assurance"], one["state"]) == ("王**", 2, "open")
    assert net.json(f"{path}/count", headers=staff(net))["readers"] == 3
    assert len(net.json(f"{path}?q=王", headers=staff(net))["items"]) == 3
