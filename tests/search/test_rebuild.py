"""A new generation beside the live one."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import cast

import pytest
from contracts.search import ALICE, DREAM, STUDIES, found, many
from msgspec.structs import replace
from shelves import Shelf

from search.alias import AliasedIndex, Generations
from search.backends.sqlite import open_generations
from search.documents import Item, Tombstone
from search.index import IndexUnavailableError, Outcome, SearchIndex
from search.rebuild import MOST_REFUSED, Progress, Rebuild, RebuildRefusedError


@pytest.fixture
def alias(tmp_path: Path) -> Iterator[AliasedIndex]:
    alias = open_generations(tmp_path / "index")
    alias.write([DREAM, ALICE])
    yield alias
    alias.close()


@pytest.fixture
def rebuild(alias: AliasedIndex) -> Rebuild:
    return Rebuild(alias)


def test_a_rebuild_takes_over_and_readers_elsewhere_notice(
    alias: AliasedIndex, rebuild: Rebuild, tmp_path: Path
) -> None:
    elsewhere = open_generations(tmp_path / "index")
    assert found(elsewhere, "研究") == []
    shelf = Shelf([DREAM, STUDIES])
    rebuild.run(shelf)
    assert found(elsewhere, "研究") == ["studies"]
    assert found(elsewhere, "alice") == []
    assert elsewhere.generation == alias.generation == "g000002"
    elsewhere.close()


def test_a_write_meanwhile_goes_to_both_and_is_not_overwritten(
    alias: AliasedIndex, rebuild: Rebuild
) -> None:
    shelf = Shelf([DREAM, *many(5)])

    def change() -> None:
        shelf.commit(replace(DREAM, version=2, title="石头记考"), Tombstone("n00001", 2))
        shelf.drain(alias)

    shelf.at["dream"] = change
    rebuild.run(shelf)
    assert found(alias, "考") == ["dream"]
    assert alias.versions(["dream", "n00001"]) == {"dream": 2}


def test_a_document_that_is_refused_waits_and_stops_nothing(
    alias: AliasedIndex, rebuild: Rebuild
) -> None:
    shelf = Shelf([replace(DREAM, title="\ud800"), ALICE])
    rebuild.run(shelf)
    assert (alias.generation, found(alias, "alice")) == ("g000002", ["alice"])
    assert shelf.waiting == {"dream"}


def test_an_index_that_refuses_many_stops_the_rebuild(
    alias: AliasedIndex, rebuild: Rebuild
) -> None:
    shelf = Shelf([replace(one, title="\ud800") for one in many(MOST_REFUSED + 1)])
    with pytest.raises(RebuildRefusedError, match="101 documents are refused: n0"):
        rebuild.run(shelf)
    assert alias.generation == "g000001"


def test_an_interrupted_rebuild_goes_on_at_its_checkpoint(
    alias: AliasedIndex,
) -> None:
    seen: list[Progress] = []
    shelf = Shelf(many(4_100))

    def stop(progress: Progress) -> None:
        seen.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rebuild(alias, stop, batch=2_000).run(shelf)
    assert found(alias, "alice") == ["alice"]
    last = Rebuild(alias, seen.append, batch=2_000).run(shelf)
    filled = [progress.done for progress in seen if not progress.compared]
    assert filled == [2_000, 4_000, 4_100]
    assert (last.generation, alias.count()) == (seen[0].generation, 4_100)


def test_one_may_go_back_to_the_generation_before(alias: AliasedIndex, rebuild: Rebuild) -> None:
    rebuild.run(Shelf([STUDIES]))
    assert rebuild.go_back() == Generations("g000001", "", "g000002")
    assert found(alias, "alice") == ["alice"]


def test_one_does_not_go_back_to_what_another_release_wrote(
    alias: AliasedIndex, rebuild: Rebuild, tmp_path: Path
) -> None:
    rebuild.run(Shelf([STUDIES]))
    alias.named("g000001").close()
    with closing(sqlite3.connect(tmp_path / "index" / "g000001.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = -1 WHERE name = 'analysis'")
    later = open_generations(tmp_path / "index")
    with pytest.raises(RebuildRefusedError, match="another release"):
        Rebuild(later).go_back()
    assert found(later, "研究") == ["studies"]
    later.close()


def test_there_is_not_always_a_generation_before(rebuild: Rebuild) -> None:
    with pytest.raises(RebuildRefusedError, match="none is before it"):
        rebuild.go_back()


class Forgetful:
    """An index that loses one document of those it says it has written, so many times."""

    def __init__(self, index: SearchIndex, lost: str, times: int) -> None:
        self._index, self._lost, self._times = index, lost, times

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """All but one."""
        items = list(batch)
        if self._times and self._lost in {one.id for one in items}:
            self._times -= 1
            items = [one for one in items if one.id != self._lost]
        return self._index.write(items)


@pytest.mark.parametrize(("times", "is_swapped"), [(1, True), (2, False)])
def test_what_was_lost_is_written_once_more_and_then_stops_the_rebuild(
    alias: AliasedIndex, times: int, is_swapped: bool
) -> None:
    forgetful = Forgetful(alias.named("g000002"), "dream", times)
    lost = AliasedIndex(alias.pointer, lambda _: cast(SearchIndex, forgetful), lambda _: None)
    with nullcontext() if is_swapped else pytest.raises(RebuildRefusedError, match="dream is mis"):
        Rebuild(lost).run(Shelf([DREAM, ALICE]))
    assert alias.generation == ("g000002" if is_swapped else "g000001")


def test_only_the_live_generation_and_the_one_before_are_kept(
    alias: AliasedIndex, rebuild: Rebuild, tmp_path: Path
) -> None:
    shelf = Shelf([STUDIES])
    for _ in range(3):
        rebuild.run(shelf)
    kept = sorted(path.name for path in (tmp_path / "index").glob("*.sqlite"))
    assert kept == ["g000003.sqlite", "g000004.sqlite"]


def test_what_a_kill_left_is_removed_by_the_next_rebuild(
    alias: AliasedIndex, rebuild: Rebuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(alias, "_remove_generation", lambda _: None)
        for _ in range(3):
            rebuild.run(Shelf([STUDIES]))
    rebuild.begin()
    kept = sorted(path.name for path in (tmp_path / "index").glob("*.sqlite"))
    assert kept == ["g000003.sqlite", "g000004.sqlite"]


def test_a_generation_that_cannot_be_removed_now_does_not_undo_the_swap(
    alias: AliasedIndex, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise IndexUnavailableError("tests", "away")

    rebuild.run(Shelf([STUDIES]))
    monkeypatch.setattr(alias, "_remove_generation", away)
    assert rebuild.run(Shelf([STUDIES, ALICE])).generation == alias.generation == "g000003"


def test_a_tombstone_is_forgotten_by_a_rebuild(alias: AliasedIndex, rebuild: Rebuild) -> None:
    alias.write([Tombstone("alice", 9)])
    shelf = Shelf([DREAM])
    rebuild.run(shelf)
    alias.write([ALICE])
    assert found(alias, "alice") == ["alice"]


def test_a_pointer_to_what_is_no_index_is_unavailable(tmp_path: Path) -> None:
    alias = open_generations(tmp_path)
    (tmp_path / "g000001.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(IndexUnavailableError):
        alias.count()
