"""The network's tree, from a file."""

import json
from pathlib import Path

import msgspec
from click.testing import CliRunner, Result
from house import House, environ_of
from sqlalchemy import select

from app.batches import Report
from app.cli import main
from app.identity import tree
from app.identity.models import LibraryEvent
from app.identity.network import import_network

TREE = [
    {"id": "c1", "name": "某市图书馆", "level": "prefecture", "parent": "p1"},
    {"id": "n", "name": "国家图书馆", "level": "national", "parent": None},
    {"id": "p1", "name": "某省图书馆", "level": "province", "parent": "n"},
]


def take(
    house: House, folder: Path, libraries: list[dict[str, object]], *, moving: bool = False
) -> Report:
    """Imports these libraries."""
    path = folder / "tree.json"
    path.write_text(json.dumps(libraries))
    with house.database.transaction() as session:
        return import_network(session, path, moving=moving)


def parents(house: House) -> dict[str, str | None]:
    """Below which library each stands, which its path must say too."""
    with house.database.transaction(writes=False) as session:
        paths = tree.paths(session)
        found = {library: tree.get(session, library).parent_id for library in paths}
    for library, parent in found.items():
        assert tree.above(paths[library]) == (paths[parent] if parent else "")
    return found


def run(tmp_path: Path, *arguments: str) -> Result:
    """A command on the house in this folder."""
    environ = environ_of(tmp_path / "data")
    return CliRunner().invoke(main, [*arguments, "--json"], env=environ)


def test_children_may_stand_before_their_parents(house: House, tmp_path: Path) -> None:
    report = take(house, tmp_path, TREE)
    assert (report.added, report.refused) == (3, 0)
    with house.database.transaction(writes=False) as session:
        paths = tree.paths(session)
    assert paths["c1"].startswith(paths["p1"])
    assert paths["p1"].startswith(paths["n"])


def test_levels_are_known_by_their_administrative_names(house: House, tmp_path: Path) -> None:
    take(house, tmp_path, TREE)
    assert house.json("/api/v1/libraries/c1")["level"] == "city"


def test_a_second_import_changes_nothing(house: House, tmp_path: Path) -> None:
    take(house, tmp_path, TREE)
    report = take(house, tmp_path, TREE)
    assert (report.unchanged, report.added, report.changed) == (3, 0, 0)


def test_an_orphan_is_refused_by_name_and_stops_nothing(house: House, tmp_path: Path) -> None:
    orphan = {"id": "x", "name": "无处", "level": "county", "parent": "nowhere"}
    report = take(house, tmp_path, [*TREE, orphan])
    assert (report.added, report.refused) == (3, 1)
    assert (report.problems[0].place, report.problems[0].code) == ("entry 4 (x)", "parent-unknown")


def test_the_real_network_is_taken_whole(house: House, tmp_path: Path, test_data: Path) -> None:
    path = test_data / "divisions" / "library_tree.json"
    with house.database.transaction() as session:
        report = import_network(session, path)
    assert (report.read, report.added, report.refused) == (3352, 3352, 0)
    entries = msgspec.json.decode(path.read_bytes())
    assert parents(house) == {entry["id"]: entry["parent"] for entry in entries}


def test_what_stands_elsewhere_moves_only_where_that_is_asked_for(
    house: House, tmp_path: Path
) -> None:
    take(house, tmp_path, TREE)
    other = {"id": "p2", "name": "新省图书馆", "level": "province", "parent": "n"}
    elsewhere = [{**TREE[0], "parent": "p2"}, *TREE[1:], other]
    report = take(house, tmp_path, elsewhere)
    assert (report.refused, report.problems[0].place) == (1, "entry 1 (c1)")
    report = take(house, tmp_path, elsewhere, moving=True)
    assert (report.changed, report.unchanged, report.refused) == (1, 3, 0)
    assert parents(house)["c1"] == "p2"
    assert house.json("/api/v1/libraries/c1/history")["items"][0]["kind"] == "moved"


def test_a_tree_turned_upside_down_is_taken(house: House, tmp_path: Path) -> None:
    chain = [{"id": f"l{n}", "name": "馆", "level": "special", "parent": f"l{n - 1}" if n else None}
             for n in range(6)]  # fmt: skip
    take(house, tmp_path, chain)
    turned = [chain[0], *({**chain[n], "parent": f"l{n + 1}" if n < 5 else "l0"}
                          for n in range(1, 6))]  # fmt: skip
    report = take(house, tmp_path, turned, moving=True)
    assert (report.changed, report.refused) == (5, 0)
    assert parents(house) == {"l0": None, "l5": "l0", **{f"l{n}": f"l{n + 1}" for n in range(1, 5)}}


def test_what_would_stand_below_itself_is_refused_by_name(house: House, tmp_path: Path) -> None:
    take(house, tmp_path, TREE)
    report = take(house, tmp_path, [{**TREE[2], "parent": "c1"}], moving=True)
    assert (report.refused, report.problems[0].place) == (1, "entry 1 (p1)")
    assert parents(house)["p1"] == "n"


def test_names_that_an_import_changes_stand_in_the_history(house: House, tmp_path: Path) -> None:
    take(house, tmp_path, TREE)
    report = take(house, tmp_path, [{**TREE[1], "name": "国图", "code": "1"}])
    assert report.changed == 1
    with house.database.transaction(writes=False) as session:
        kinds = list(session.scalars(select(LibraryEvent.kind)))
    assert kinds == ["renamed"]


def test_entries_that_cannot_be_are_refused_by_what_is_wrong(house: House, tmp_path: Path) -> None:
    wrong = [{"name": " "}, {"level": "king"}, {"code": "1-1"}, {"id": ""}]
    report = take(house, tmp_path, [{**TREE[1], "id": f"x{n}", **fault}
                                    for n, fault in enumerate(wrong)])  # fmt: skip
    assert [problem.code for problem in report.problems] == [
        "name-missing", "level-unknown", "code-invalid", "id-invalid",
    ]  # fmt: skip


def test_libraries_are_shaped_by_command(house: House, tmp_path: Path) -> None:
    house.network()
    record = house.record("市志", library="north-1")
    for arguments in (
        ("move", "north-1", "south"),
        ("rename", "north-1", "南一县图书馆", "--level", "county"),
        ("suspend", "north-1", "--reason", "试"),
        ("resume", "north-1"),
    ):
        result = run(tmp_path, "library", *arguments)
        assert result.exit_code == 0, result.output
    told = msgspec.json.decode(result.stdout)
    assert (told["parent"], told["name"], told["level"], told["state"]) == (
        "south", "南一县图书馆", "county", "joined",
    )  # fmt: skip
    house.work()
    staff = house.token("cataloguer", "south")
    assert house.json(f"/api/v1/records/{record}", headers=staff)["version"] == 2
    for arguments in (("move", "south", "north-1"), ("suspend", "south"), ("approve", "north")):
        assert run(tmp_path, "library", *arguments).exit_code == 1, arguments


def test_a_path_that_leads_elsewhere_is_noticed(house: House) -> None:
    house.network()
    with house.database.transaction() as session:
        assert tree.astray(session) == 0
        tree.get(session, "north-1").path = "zzzz0001"
        session.flush()
        assert tree.astray(session) == 1
        session.rollback()


def test_a_file_moves_libraries_by_command(house: House, tmp_path: Path) -> None:
    take(house, tmp_path, TREE)
    (tmp_path / "tree.json").write_text(json.dumps([{**TREE[0], "parent": "n"}]))
    assert run(tmp_path, "import", "libraries", str(tmp_path / "tree.json")).exit_code == 1
    moved = run(tmp_path, "import", "libraries", str(tmp_path / "tree.json"), "--move")
    assert (moved.exit_code, parents(house)["c1"]) == (0, "n"), moved.output
