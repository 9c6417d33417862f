"""Where a record stands: draft or published, for whom, under which library, below what."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from house import House, environ_of

from app.cli import main

from .test_records import NEW, change, made


def moved(house: House, token: dict[str, str], record: str, version: int = 1, **place: Any) -> Any:
    """The answer to a change of where a record stands."""
    return change(house, token, record, place, version, "PATCH")


def found(house: House, **options: Any) -> int:
    """How many records the search finds."""
    house.index()
    total: int = house.json("/api/v1/search?q=江西通志", **options)["total"]
    return total


def test_a_draft_is_published_and_taken_back(house: House) -> None:
    token = house.token()
    record = made(house, token, state="draft")
    answer = moved(house, token, record, state="published", note="校毕")
    assert (answer.status_code, answer.json["state"], answer.headers["ETag"]) == (
        200, "published", '"v2"',
    )  # fmt: skip
    assert house.client.get(f"/api/v1/books/{record}").status_code == found(house) * 200
    assert moved(house, token, record, 1, state="draft").status_code == 412
    assert moved(house, token, record, 2, state="published").json["version"] == 2
    assert moved(house, token, record, 2, state="draft").status_code == 200
    assert found(house) == 0
    [last, first] = house.json(f"/api/v1/records/{record}/revisions", headers=token)["items"]
    assert (first["state"], last["state"], first["note"]) == ("draft", "published", "校毕")


def test_what_is_kept_for_staff_leaves_the_open_shelves(house: House) -> None:
    token = house.token()
    record = made(house, token)
    assert found(house) == 1
    answer = moved(house, token, record, audience="staff", policy="staff")
    assert (answer.json["audience"], answer.json["policy"]) == ("staff", "staff")
    assert (found(house), found(house, headers=token)) == (0, 1)
    assert house.client.get(f"/api/v1/books/{record}").status_code == 404


def test_a_record_moves_only_between_libraries_within_reach(house: House) -> None:
    house.network()
    north, nation = house.token("cataloguer", "north"), house.token("cataloguer", "nation")
    record = made(house, north, library="north-1")
    assert moved(house, north, record, library="south").status_code == 403
    assert moved(house, nation, record, library="nowhere").status_code == 404
    assert moved(house, nation, record, library="south").json["library"] == "south"
    assert moved(house, north, record, 2, library="north").status_code == 403
    [item] = house.json("/api/v1/books?library=south")["items"]
    assert (item["id"], item["library"]) == (record, "south")
    house.index()
    assert house.json("/api/v1/search?q=江西通志&library=north")["total"] == 0


def test_a_part_belongs_to_its_kind_of_whole_within_reach(house: House) -> None:
    house.network()
    nation, north = house.token("cataloguer", "nation"), house.token("cataloguer", "north")
    journal = made(house, nation, kind="journal", library="south")
    course = made(house, nation, kind="course", library="north")
    issue = made(house, nation, kind="issue", parent=journal, library="north")
    for status, token, body in (
        (403, north, {"kind": "issue", "parent": journal, "library": "north"}),
        (422, nation, {"kind": "book", "parent": journal}),
        (422, nation, {"kind": "issue", "parent": course}),
        (404, nation, {"kind": "issue", "parent": journal[:-12] + "000000000000"}),
    ):
        assert house.send("POST", "/api/v1/records", NEW | body, token).status_code == status
    assert moved(house, nation, issue, parent=course).json["faults"][0]["place"] == "body.parent"
    assert moved(house, nation, issue, parent=issue).status_code == 422
    assert moved(house, nation, issue, parent=None).status_code == 200
    assert house.json(f"/api/v1/journals/{journal}/issues")["items"] == []


def test_reach_is_asked_before_the_version(house: House) -> None:
    house.network()
    record = made(house, house.token("cataloguer", "nation"), library="south")
    assert moved(house, house.token("cataloguer", "north"), record, 9).status_code == 403


def test_the_command_line_publishes_and_moves(house: House, tmp_path: Path) -> None:
    house.network()
    record = made(house, house.token(), state="draft")
    arguments = ("--state", "published", "--library", "south", "--policy", "signed-in")
    environ = environ_of(tmp_path / "data")
    result = CliRunner().invoke(main, ["record", "edit", record, *arguments, "--json"], env=environ)
    assert result.exit_code == 0, result.output
    said = msgspec.json.decode(result.stdout)
    assert [said[n] for n in ("state", "library", "policy", "version", "audience")] == [
        "published", "south", "signed-in", 2, "public",
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{"state": "withdrawn"}, {"audience": "all"}, {"policy": "x"}])
def test_a_record_stands_only_where_records_can(house: House, body: dict[str, Any]) -> None:
    token = house.token()
    assert moved(house, token, made(house, token), **body).status_code == 422
