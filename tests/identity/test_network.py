"""The network's tree, from a file."""

import json
from pathlib import Path

from house import House

from app.identity import tree
from app.identity.network import NetworkReport, import_network

TREE = [
    {"id": "c1", "name": "某市图书馆", "level": "prefecture", "parent": "p1"},
    {"id": "n", "name": "国家图书馆", "level": "national", "parent": None},
    {"id": "p1", "name": "某省图书馆", "level": "province", "parent": "n"},
]


def take(house: House, folder: Path, libraries: list[dict[str, object]]) -> NetworkReport:
    """Imports these libraries."""
    path = folder / "tree.json"
    path.write_text(json.dumps(libraries))
    with house.database.transaction() as session:
        return import_network(session, path)


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
