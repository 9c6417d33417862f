"""Writers, drains and readers beside a rebuild, in every order that hurts."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import pytest
from contracts.search import DREAM, found, many
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from shelves import Shelf, noted, withdrawn

from search.alias import AliasedIndex, Generations
from search.comparison import Standing, compare
from search.documents import Document, Item
from search.rebuild import Progress, Rebuild

LATE = replace(DREAM, id="n00001-made-early", title="迟到的书")


class Drain:
    """A worker's drain in its steps, between each of which anything may happen."""

    def __init__(self, shelf: Shelf, alias: AliasedIndex) -> None:
        self._shelf, self._alias = shelf, alias
        self._items: list[Item] = []
        self._seen = Generations()

    def read(self) -> None:
        """What waits, as it is now."""
        self._items = self._shelf.read()

    def look(self) -> None:
        """At the pointer."""
        self._seen = self._alias.generations

    def write(self) -> None:
        """To the generations that it saw."""
        for name in filter(None, (self._seen.live, self._seen.building)):
            self._alias.named(name).write(self._items)

    def settle(self) -> None:
        """Forgets what was written."""
        self._shelf.settle(self._items)
        self._items = []


@pytest.fixture
def alias(generations: AliasedIndex) -> AliasedIndex:
    """On each engine."""
    return generations


@pytest.fixture
def shelf(alias: AliasedIndex) -> Shelf:
    """Eight records that the index knows."""
    shelf = Shelf(many(8))
    alias.write(list(shelf.records.values()))
    return shelf


def assert_agrees(alias: AliasedIndex, shelf: Shelf) -> None:
    """Index and source say the same of every record, and nothing waits."""
    compared, _ = compare(alias.named(alias.generations.live), shelf)
    assert (compared.differing, compared.waiting) == (0, 0), compared


@pytest.mark.parametrize("is_drained_at_once", [True, False])
def test_a_record_committed_behind_the_reading_is_there(
    alias: AliasedIndex, shelf: Shelf, is_drained_at_once: bool
) -> None:
    def commit() -> None:
        shelf.commit(LATE)
        if is_drained_at_once:
            shelf.drain(alias)

    shelf.at["n00005"] = commit
    Rebuild(alias, batch=2).run(shelf)
    shelf.drain(alias)
    assert found(alias, "迟到的书") == [LATE.id]
    assert_agrees(alias, shelf)


def test_a_record_withdrawn_after_it_was_read_stays_withdrawn(
    alias: AliasedIndex, shelf: Shelf
) -> None:
    read = shelf.records["n00003"]

    def withdraw() -> None:
        shelf.commit(withdrawn(read))
        shelf.drain(alias)

    shelf.at["n00003"] = withdraw
    Rebuild(alias, batch=100).run(shelf)
    assert alias.versions(["n00003"], withdrawn=True) == {"n00003": 2}
    assert_agrees(alias, shelf)


def test_a_drain_that_looked_before_the_new_generation_was_named_loses_nothing(
    alias: AliasedIndex, shelf: Shelf
) -> None:
    drain, rebuild = Drain(shelf, alias), Rebuild(alias, batch=2)
    shelf.commit(LATE, withdrawn(shelf.records["n00002"]))
    drain.read()
    drain.look()
    progress = rebuild.begin()
    shelf.at["n00006"] = drain.write
    rebuild.run(shelf, progress)
    drain.settle()
    assert_agrees(alias, shelf)


def test_a_drain_under_way_at_the_swap_loses_nothing(alias: AliasedIndex, shelf: Shelf) -> None:
    drain = Drain(shelf, alias)

    def begin() -> None:
        shelf.commit(LATE, withdrawn(shelf.records["n00002"]))
        drain.read()
        drain.look()

    shelf.at["n00007"] = begin
    Rebuild(alias, batch=2).run(shelf)
    drain.write()
    drain.settle()
    assert_agrees(alias, shelf)


def test_what_changes_while_a_rebuild_lies_interrupted_is_written_to_both(
    alias: AliasedIndex, shelf: Shelf
) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rebuild(alias, stop, batch=3).run(shelf)
    shelf.commit(LATE, withdrawn(shelf.records["n00000"]), replace(many(3)[2], version=2))
    shelf.drain(alias)
    Rebuild(alias, batch=3).run(shelf)
    assert_agrees(alias, shelf)


def test_changes_without_end_do_not_hold_a_rebuild_up(alias: AliasedIndex, shelf: Shelf) -> None:
    versions = count(2)

    class Restless(Shelf):
        """One record changes whenever anything is asked."""

        def standing(self, ids: Sequence[str]) -> Mapping[str, Standing]:
            self.commit(replace(DREAM, version=next(versions)))
            self.waiting.clear()  # as if drained a moment later, to an index that we look at late
            return super().standing(ids)

    restless = Restless(shelf.records.values())
    Rebuild(alias, batch=2).run(restless)
    assert alias.generation == "g000002"


def test_a_lost_lease_prevents_the_swap(alias: AliasedIndex, shelf: Shelf) -> None:
    def guard() -> None:
        raise PermissionError("another leads")

    with pytest.raises(PermissionError):
        Rebuild(alias, guard=guard).run(shelf)
    assert alias.generation == "g000001"


def test_no_name_is_used_twice(alias: AliasedIndex, shelf: Shelf) -> None:
    rebuild = Rebuild(alias)
    names = [rebuild.begin(restart=True).generation for _ in range(3)]
    assert rebuild.begin().generation == names[-1]
    rebuild.run(shelf)
    rebuild.go_back()
    assert [*names, rebuild.begin().generation] == ["g000002", "g000003", "g000004", "g000005"]


IDS = [f"r{number}" for number in range(6)]


class Chances(Shelf):
    """A source at which, whenever it is asked anything, the next few steps of others happen."""

    def __init__(self, alias: AliasedIndex, steps: Sequence[Sequence[str]]) -> None:
        super().__init__(Document(id=one, version=1, kind="book", title=one) for one in IDS[::2])
        self._drain, self.steps = Drain(self, alias), deque(steps)
        alias.write(list(self.records.values()))

    def happen(self, *_: object) -> None:
        """The next few steps: one of a drain, or a change of a record."""
        for step in self.steps.popleft() if self.steps else ():
            if step in IDS:
                self.commit(self._changed(step))
            else:
                getattr(self._drain, step)()

    def _changed(self, identifier: str) -> Item:
        item = self.records.get(identifier)
        version = item.version + 1 if item else 1
        if isinstance(item, Document) and version % 2:
            return withdrawn(item, version)
        return Document(id=identifier, version=version, kind="book", title=identifier)

    def documents(self, after: str) -> Iterator[Document]:
        """See Source."""
        for document in super().documents(after):
            yield document
            self.happen()

    def walk(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """See Source."""
        walked = super().walk(after, limit)
        self.happen()
        return walked

    def standing(self, ids: Sequence[str]) -> Mapping[str, Standing]:
        """See Source."""
        standing = super().standing(ids)
        self.happen()
        return standing


DRAINED = ["read", "look", "write", "settle"]
STEPS = st.lists(
    st.lists(st.sampled_from(IDS + DRAINED), max_size=6)
    | st.sampled_from([DRAINED, DRAINED[:2], DRAINED[2:], DRAINED[:3], DRAINED[3:]]),
    max_size=40,
)


def in_order(steps: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same, without steps of the drain that come out of their order."""
    wanted = 0
    kept: list[list[str]] = []
    for some in steps:
        kept.append([])
        for step in some:
            if step in IDS or step == DRAINED[wanted]:
                kept[-1].append(step)
                wanted = (wanted + (step in DRAINED)) % len(DRAINED)
    return kept


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, stops=st.lists(st.integers(1, 4), max_size=3))
def test_whatever_happens_in_whatever_order_the_index_agrees(
    steps: list[list[str]], stops: list[int]
) -> None:
    alias = noted()
    chances = Chances(alias, in_order(steps))
    chances.happen()
    for stop in [*stops, 0]:
        reports = count(1)

        def report(_: Any, stop: int = stop, reports: Iterator[int] = reports) -> None:
            chances.happen()
            if next(reports) == stop:
                raise KeyboardInterrupt

        try:
            Rebuild(alias, report, batch=2).run(chances)
        except KeyboardInterrupt:
            continue
    while chances.steps:
        chances.happen()
    chances.drain(alias)
    assert_agrees(alias, chances)
