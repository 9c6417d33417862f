"""Comparing an index with its source."""

import pytest
from contracts.search import many
from msgspec.structs import replace
from shelves import Noted, Shelf, withdrawn

from search import comparison
from search.comparison import SAMPLED, Difference, Kind, compare
from search.documents import Document, Item

ITEMS = many(9)
ONE = ITEMS[4]


def differing(shelf: Shelf, held: list[Item]) -> list[Difference]:
    """What differs between a source and an index that was given these in a row."""
    index, found = Noted("g000001"), list[Difference]()
    for item in held:
        index.write([item])
    compared, _ = compare(index, shelf, found=found.extend)
    assert compared.differing == len(found)
    return found


@pytest.mark.parametrize("page", [1, 2, 3, 4, 100])
def test_what_agrees_is_no_difference(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(comparison, "_PAGE", page)
    assert differing(Shelf(ITEMS), list(ITEMS)) == []
    assert len(differing(Shelf(ITEMS), [])) == len(ITEMS)
    assert len(differing(Shelf(), list(ITEMS))) == len(ITEMS)
    assert [one.id for one in differing(Shelf(ITEMS[::2]), ITEMS[1:])] == [
        one.id for one in (ITEMS[0], *ITEMS[1::2])
    ]


@pytest.mark.parametrize(
    ("stands", "held", "difference"),
    [
        (ONE, [], Difference(ONE.id, Kind.MISSING, 1, None)),
        (replace(ONE, version=3), [withdrawn(ONE)], Difference(ONE.id, Kind.MISSING, 3, 2)),
        (replace(ONE, version=3), [ONE], Difference(ONE.id, Kind.BEHIND, 3, 1)),
        (ONE, [replace(ONE, version=3)], Difference(ONE.id, Kind.AHEAD, 1, 3)),
        (withdrawn(ONE), [ONE], Difference(ONE.id, Kind.LEFT_OVER, 2, 1)),
        (None, [ONE], Difference(ONE.id, Kind.LEFT_OVER, None, 1)),
    ],
)
def test_each_kind_of_difference_is_seen(
    stands: Item | None, held: list[Item], difference: Difference
) -> None:
    rest = [item for item in ITEMS if item is not ONE]
    assert differing(Shelf([*rest, *([stands] if stands else [])]), [*rest, *held]) == [difference]


def test_what_waits_is_no_difference() -> None:
    shelf = Shelf(ITEMS)
    shelf.commit(
        replace(ONE, version=2),
        withdrawn(ITEMS[0]),
        Document(id="new", version=1, kind="book", title="新"),
    )
    assert differing(shelf, list(ITEMS)) == []


def test_what_changes_while_it_is_looked_at_is_no_difference() -> None:
    class Moving(Shelf):
        """A drain that always comes just after the source was asked."""

        def walk(self, after: str, limit: int) -> list[tuple[str, int]]:
            walked = list(super().walk(after, limit))
            index.write([replace(ONE, version=2)])
            self.records[ONE.id] = replace(ONE, version=2)
            return walked

    index, shelf = Noted("g000001"), Moving(ITEMS)
    index.write(ITEMS)
    compared, _ = compare(index, shelf)
    assert (compared.differing, compared.waiting) == (0, 1)


def test_the_sample_is_another_each_time_and_of_what_agrees() -> None:
    items = many(1_000)
    index = Noted("g000001")
    index.write(items[1:])
    samples = [compare(index, Shelf(items))[1] for _ in range(3)]
    assert {len(set(sample)) for sample in samples} == {SAMPLED}
    assert len({tuple(sample) for sample in samples}) == len(samples)
    assert all(items[0].id not in sample for sample in samples)
