"""The feed of changes over HTTP: a mirror can be built of it, by anybody, of what is theirs."""

from pathlib import Path

import pytest
from house import House, json_lines
from sqlalchemy import text

from app.catalog.services import changes, feed, merging, placing, undoing

from .following import Follower


def move(house: House, record_id: str, **place: str) -> None:
    """Has a record stand elsewhere."""
    with house.database.transaction() as session:
        row = changes.load(session, record_id)
        changes.edit(session, row, {}, None, place=placing.Place(**place))  # type: ignore[arg-type]


def test_a_mirror_is_built_from_the_beginning_and_kept(house: House) -> None:
    first, second = house.record("红楼梦"), house.record("史记")
    follower = Follower(house)
    assert [line["record"]["title"] for line in follower.look()] == ["红楼梦", "史记"]
    assert follower.look() == []
    house.withdraw(first)
    assert [line["id"] for line in follower.look()] == [first]
    assert follower.states() == {first: "withdrawn", second: "published"}


def test_a_tombstone_says_why_and_what_stands_in_its_place(house: House) -> None:
    withdrawn, one, other = (house.record(title) for title in "甲乙丙")
    house.withdraw(withdrawn)
    with house.database.transaction() as session:
        merging.merge(session, changes.load(session, one), changes.load(session, other), None)
    mirror = Follower(house)
    mirror.look()
    assert mirror.mirror[withdrawn]["reason"] == "权利人的要求"
    assert (mirror.mirror[one]["state"], mirror.mirror[one]["successor"]) == ("merged", other)
    assert not {"record"} & mirror.mirror[one].keys()


def test_each_record_comes_once_at_its_latest_state(house: House) -> None:
    record = house.record("石头记")
    with house.database.transaction() as session:
        for title in ("红楼梦", "红楼梦 一百二十回"):
            changes.edit(session, changes.load(session, record), {"title": title}, None)
    (line,) = Follower(house).look()
    assert (line["version"], line["record"]["title"]) == (3, "红楼梦 一百二十回")


def test_a_restored_record_comes_back(house: House) -> None:
    record = house.record("史记")
    follower = Follower(house)
    house.withdraw(record)
    follower.look()
    with house.database.transaction() as session:
        changes.restore(session, changes.load(session, record), None)
    assert [line["state"] for line in follower.look()] == ["published"]


def test_a_record_kept_for_staff_from_now_on_is_gone_for_the_public(house: House) -> None:
    record = house.record("内部资料")
    public, staff = Follower(house), Follower(house, house.token())
    assert len(public.look()) == len(staff.look()) == 1
    move(house, record, audience="staff")
    assert public.look() == [{"id": record, "kind": "book", "state": "gone"}]
    assert [line["state"] for line in staff.look()] == ["published"]


def test_what_is_withdrawn_out_of_sight_is_not_explained_to_those_outside(house: House) -> None:
    record = house.record("内部资料")
    move(house, record, audience="staff")
    house.withdraw(record)
    assert Follower(house).look() == [{"id": record, "kind": "book", "state": "gone"}]
    assert [line["state"] for line in Follower(house, house.token()).look()] == ["withdrawn"]


def test_a_published_record_made_a_draft_again_is_gone_for_everybody(house: House) -> None:
    record = house.record("未定稿")
    move(house, record, state="draft")
    house.withdraw(record)
    for follower in (Follower(house), Follower(house, house.token())):
        assert [line["state"] for line in follower.look()] == ["gone"]


@pytest.mark.parametrize("standing", [{"state": "draft"}, {"audience": "staff"}])
def test_what_was_never_shown_is_never_told_of(house: House, standing: dict[str, str]) -> None:
    record = house.record("不公开", **standing)
    follower = Follower(house)
    assert follower.look() == []
    house.withdraw(record)
    assert follower.look() == []


def test_staff_of_one_library_hear_nothing_of_what_another_keeps(house: House) -> None:
    house.network()
    record = house.record("北省稿本", library="north-1", audience="staff")
    told = {
        library: [line["id"] for line in Follower(house, house.token(library=library)).look()]
        for library in ("nation", "north", "south")
    }
    assert told == {"nation": [record], "north": [record], "south": []}


def test_pages_are_bounded_by_what_is_looked_at(house: House) -> None:
    for number in range(5):
        house.record(f"草稿{number}", state="draft")
    shown = house.record("红楼梦")
    first = house.json("/api/v1/changes?limit=2")
    assert (first["items"], first["more"]) == ([], True)
    assert [line["id"] for line in Follower(house).look(limit=2)] == [shown]
    assert house.client.get("/api/v1/changes?limit=1001").status_code == 422


def test_nothing_new_is_the_same_answer(house: House) -> None:
    house.record("史记")
    since = house.json("/api/v1/changes")["next"]
    path = f"/api/v1/changes?since={since}"
    answer = house.client.get(path)
    assert answer.json == {"items": [], "next": since, "more": False}
    again = house.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_position_made_up_or_of_another_caller_says_to_begin_anew(house: House) -> None:
    house.record("史记")
    since = house.json("/api/v1/changes", headers=house.token())["next"]
    for made_up in (since, "AAAA"):
        answer = house.client.get(f"/api/v1/changes?since={made_up}")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
        assert "Begin again" in str(answer.json)


def test_after_a_restart_old_positions_are_refused_and_a_new_mirror_is_whole(house: House) -> None:
    records = {house.record("史记"), house.record("汉书")}
    since = house.json("/api/v1/changes")["next"]
    with house.database.transaction() as session:
        feed.restart(session)
    assert house.client.get(f"/api/v1/changes?since={since}").status_code == 404
    follower = Follower(house)
    follower.look()
    records.add(house.record("后汉书"))
    follower.look()
    assert follower.mirror.keys() == records


def test_an_import_and_its_undoing_are_followed(house: House, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "records.jsonl", [{}, {}, {}])
    report = house.import_file(file)
    follower = Follower(house)
    follower.look(limit=2)
    assert set(follower.states().values()) == {"published"}
    undoing.undo(house.database, str(report.id), None)
    follower.look(limit=2)
    assert [*follower.states().values()] == ["withdrawn"] * 3


def test_every_way_to_write_a_record_gives_it_a_new_number(house: House) -> None:
    record = house.record("史记")
    follower = Follower(house)
    follower.look()
    for statement in ("UPDATE records SET policy = 'staff'", "UPDATE records SET version = 9"):
        with house.database.transaction() as session:
            session.execute(text(statement))
        assert [line["id"] for line in follower.look()] == [record]


def test_numbers_brought_from_elsewhere_stop_the_feed_until_it_is_settled(house: House) -> None:
    record = house.record("史记")
    with house.database.transaction() as session:
        if not house.database.is_sqlite:
            session.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        session.execute(text("UPDATE records SET change = 1000000000000000"))
    answer = house.client.get("/api/v1/changes")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    with house.database.transaction() as session:
        feed.settle(session)
    assert [line["id"] for line in Follower(house).look()] == [record]
