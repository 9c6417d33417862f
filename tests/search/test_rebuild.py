"""A new generation beside the live one."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
from contracts.search import ALICE, DREAM, STUDIES, found, many
from msgspec.structs import replace

from search.alias import AliasedIndex
from search.backends.sqlite import open_generations
from search.documents import Document, Item, Tombstone
from search.index import IndexUnavailableError, Outcome, SearchIndex
from search.rebuild import Progress, Rebuild, RebuildRefusedError, WentBack


class Shelf:
    """A source of documents that can be withdrawn, changed and interrupted."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = {one.id: one for one in documents}

    def read(self, after: str | None) -> Iterator[Document]:
        for identifier in sorted(self.documents):
            if after is None or identifier > after:
                yield self.documents[identifier]

    def count(self) -> int:
        return len(self.documents)


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
    rebuild.run(shelf.read, shelf.count)
    assert found(elsewhere, "研究") == ["studies"]
    assert found(elsewhere, "alice") == []
    assert elsewhere.generation == alias.generation == "g000002"
    elsewhere.close()


def test_a_write_meanwhile_goes_to_both_and_is_not_overwritten(
    alias: AliasedIndex, rebuild: Rebuild
) -> None:
    shelf = Shelf([DREAM, *many(5)])

    def read(after: str | None) -> Iterator[Document]:
        documents = list(shelf.read(after))
        alias.write([replace(DREAM, version=2, title="石头记考"), Tombstone("n00001", 2)])
        del shelf.documents["n00001"]
        yield from documents

    assert found(alias, "考") == []
    rebuild.run(read, shelf.count)
    assert found(alias, "考") == ["dream"]
    assert alias.versions(["dream", "n00001"]) == {"dream": 2}


def test_a_generation_that_lacks_documents_is_not_swapped_in(
    alias: AliasedIndex, rebuild: Rebuild
) -> None:
    shelf = Shelf([DREAM])
    with pytest.raises(RebuildRefusedError, match="holds 1 documents, the source 2"):
        rebuild.run(shelf.read, lambda: 2)
    assert found(alias, "alice") == ["alice"]
    assert alias.generation == "g000001"


def test_a_document_that_is_refused_stops_the_rebuild(rebuild: Rebuild) -> None:
    shelf = Shelf([replace(DREAM, title="\ud800")])
    with pytest.raises(RebuildRefusedError, match="dream"):
        rebuild.run(shelf.read, shelf.count)


def test_an_interrupted_rebuild_goes_on_at_its_checkpoint(
    alias: AliasedIndex,
) -> None:
    shelf, seen = Shelf(many(4_100)), []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rebuild(alias, stop).run(shelf.read, shelf.count)
    assert found(alias, "alice") == ["alice"]
    again = Rebuild(alias, seen.append)
    last = again.run(shelf.read, shelf.count)
    assert [progress.done for progress in seen] == [2_000, 4_000, 4_100]
    assert (last.generation, alias.count()) == (seen[0].generation, 4_100)


def test_one_may_go_back_to_the_generation_before(alias: AliasedIndex, rebuild: Rebuild) -> None:
    shelf = Shelf([STUDIES])
    rebuild.run(shelf.read, shelf.count)
    assert rebuild.go_back([]) == WentBack("g000001", [])
    assert found(alias, "alice") == ["alice"]


def test_going_back_says_what_was_written_since(alias: AliasedIndex, rebuild: Rebuild) -> None:
    shelf = Shelf([DREAM, ALICE])
    rebuild.run(shelf.read, shelf.count)
    alias.write([replace(DREAM, version=2), STUDIES, Tombstone("alice", 2)])
    went = rebuild.go_back(["alice", "dream", "nobody", "studies"])
    assert went.missed == ["alice", "dream", "studies"]
    alias.write([replace(DREAM, version=2), STUDIES, Tombstone("alice", 2)])
    assert rebuild.go_back(went.missed).missed == []


def test_there_is_not_always_a_generation_before(rebuild: Rebuild) -> None:
    with pytest.raises(RebuildRefusedError, match="none is before it"):
        rebuild.go_back([])


class Forgetful:
    """An index that loses one document of those it says it has written."""

    def __init__(self, index: SearchIndex, lost: str) -> None:
        self._index, self._lost = index, lost

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def write(self, batch: Iterable[Item]) -> Sequence[Outcome]:
        """All but one."""
        return self._index.write(one for one in batch if one.id != self._lost)


def test_a_document_that_was_lost_is_noticed_though_the_counts_agree(tmp_path: Path) -> None:
    plain = open_generations(tmp_path)
    lost = AliasedIndex(
        plain.pointer,
        lambda name: cast(SearchIndex, Forgetful(plain.named(name), "dream")),
        lambda _: None,
    )
    shelf = Shelf([DREAM, ALICE])
    with pytest.raises(RebuildRefusedError, match="dream is missing"):
        Rebuild(lost).run(shelf.read, lambda: 1)
    plain.close()


def test_only_the_live_generation_and_the_one_before_are_kept(
    alias: AliasedIndex, rebuild: Rebuild, tmp_path: Path
) -> None:
    shelf = Shelf([STUDIES])
    for _ in range(3):
        rebuild.run(shelf.read, shelf.count)
    kept = sorted(path.name for path in (tmp_path / "index").glob("*.sqlite"))
    assert kept == ["g000003.sqlite", "g000004.sqlite"]


def test_a_tombstone_is_forgotten_by_a_rebuild(alias: AliasedIndex, rebuild: Rebuild) -> None:
    alias.write([Tombstone("alice", 9)])
    shelf = Shelf([DREAM])
    rebuild.run(shelf.read, shelf.count)
    alias.write([ALICE])
    assert found(alias, "alice") == ["alice"]


def test_a_pointer_to_what_is_no_index_is_unavailable(tmp_path: Path) -> None:
    alias = open_generations(tmp_path)
    (tmp_path / "g000001.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(IndexUnavailableError):
        alias.count()
