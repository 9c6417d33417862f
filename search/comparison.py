"""Comparing an index with its source, completely, while both change.

Both are walked in the order of ids, a page at a time; what seems to differ is then looked at
closely, for a change under way is no difference: the source is asked before and after the index,
and only a record that stood still meanwhile, and that no writer is to bring, is said to differ.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Protocol, TypeVar

import msgspec

from search.ahead import made_ahead
from search.documents import Document, Item
from search.index import SearchIndex

T = TypeVar("T")
Page = Sequence[tuple[str, int]]
"""Ids with their versions, in byte order of id."""

_PAGE = 5_000
_CLOSELY = 500
_FIRST = 20
SAMPLED = 200


class Standing(msgspec.Struct, frozen=True):
    """A record as its source has it; ``waiting`` says that a writer is to bring it to the index."""

    version: int
    live: bool
    waiting: bool = False


class Source(Protocol):
    """Where the documents come from: the truth about them."""

    def documents(self, after: str) -> Iterable[Document]:
        """Every live document in byte order of id, after this id; ``""`` is before the first."""
        ...

    def walk(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """The next live records after this id, with their versions, in byte order of id."""
        ...

    def standing(self, ids: Sequence[str]) -> Mapping[str, Standing]:
        """How these stand, withdrawn and waiting ones too; what is not known is left out.

        A change that was committed, and is no longer waiting when this returns, is in the index.
        """
        ...

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """The documents of these, or their tombstones; what is not known is left out."""
        ...

    def put_off(self, refused: Mapping[str, tuple[int, str]]) -> None:
        """Has these wait for the index to take them: by id the version tried, and the reason."""
        ...


class Kind(StrEnum):
    """How an index differs from its source."""

    MISSING = "missing"
    BEHIND = "behind"
    AHEAD = "ahead"  # of a version that the source has never had, or has no more
    LEFT_OVER = "left-over"  # live, though withdrawn or unknown at the source


class Difference(msgspec.Struct, frozen=True):
    """One record that differs: its version at the source, and the one the index knows."""

    id: str
    kind: Kind
    version: int | None
    held: int | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found; ``first`` are some differences in full.

    ``waiting`` differ too, but are under way: they are no difference.
    """

    generation: str
    records: int
    documents: int
    waiting: int = 0
    missing: int = 0
    behind: int = 0
    ahead: int = 0
    left_over: int = 0
    first: tuple[Difference, ...] = ()

    @property
    def differing(self) -> int:
        """How many differ."""
        return self.missing + self.behind + self.ahead + self.left_over


def compare(
    index: SearchIndex,
    source: Source,
    *,
    found: Callable[[list[Difference]], object] = lambda _: None,
    report: Callable[[int], object] = lambda _: None,
) -> tuple[Comparison, list[str]]:
    """Compare all, and draw some ids at random, another time others, from those that agree.

    ``found`` is given the differences some at a time; ``report`` hears how many were walked.
    """
    tally = _Tally(report)
    for ids in batches(tally.suspects(index, source), _CLOSELY):
        differences = list(_look_closely(index, source, ids))
        tally.note(len(ids), differences)
        found(differences)
    return tally.result(index.generation), tally.sample


class _Tally:
    """What is counted on the way."""

    def __init__(self, report: Callable[[int], object]) -> None:
        self._report = report
        self._random = random.Random()  # noqa: S311  a sample is no secret
        self._records = self._documents = self._walked = self._waiting = 0
        self._kinds = dict.fromkeys(Kind, 0)
        self._first: list[Difference] = []
        self.sample: list[str] = []

    def suspects(self, index: SearchIndex, source: Source) -> Iterator[str]:
        """The ids of which the two walks do not say the same."""
        for ours, theirs in made_ahead(_ranges(index, source)):
            self._records += len(ours)
            self._documents += len(theirs)
            agreed = [one for one, version in ours.items() if theirs.get(one) == version]
            self._draw(agreed)
            if len(agreed) < len(ours) or len(agreed) < len(theirs):
                yield from sorted((ours.keys() | theirs.keys()).difference(agreed))
            self._report(self._records)

    def _draw(self, agreed: Sequence[str]) -> None:
        """Each id has the same chance in the end (Vitter, "Random sampling with a reservoir",
        ACM TOMS 11, 1985, algorithm R)."""
        for one in agreed:
            self._walked += 1
            if len(self.sample) < SAMPLED:
                self.sample.append(one)
            elif (place := int(self._random.random() * self._walked)) < SAMPLED:
                self.sample[place] = one

    def note(self, suspected: int, differences: Sequence[Difference]) -> None:
        """Count what became of some suspects."""
        self._waiting += suspected - len(differences)
        for difference in differences:
            self._kinds[difference.kind] += 1
        self._first += differences[: _FIRST - len(self._first)]

    def result(self, generation: str) -> Comparison:
        """The sums."""
        return Comparison(
            generation=generation,
            records=self._records,
            documents=self._documents,
            waiting=self._waiting,
            missing=self._kinds[Kind.MISSING],
            behind=self._kinds[Kind.BEHIND],
            ahead=self._kinds[Kind.AHEAD],
            left_over=self._kinds[Kind.LEFT_OVER],
            first=tuple(self._first),
        )


def _ranges(
    index: SearchIndex, source: Source
) -> Generator[tuple[dict[str, int], dict[str, int]], None, None]:
    """What source and index hold of one range of ids after the other, until both end."""
    after = ""
    with closing(made_ahead(_pages(source.walk, _PAGE))) as ours:
        for page in ours:
            last, left = page[-1][0], page
            # Named where it ends, a range costs the same however much the index holds. A page of
            # it is twice as long, so that one is enough where it holds hardly more than the source.
            for held in _pages(partial(index.walk, until=last), 2 * _PAGE, after):
                known, left = _cut(left, held[-1][0])
                yield dict(known), dict(held)
            if left:
                yield dict(left), {}
            after = last
    for held in _pages(index.walk, 2 * _PAGE, after):
        yield {}, dict(held)


def _pages(
    walk: Callable[[str, int], Page], size: int, after: str = ""
) -> Generator[Page, None, None]:
    while page := walk(after, size):
        yield page
        if len(page) < size:
            return
        after = page[-1][0]


def _cut(page: Page, last: str) -> tuple[Page, Page]:
    """What of a page is as far as ``last``, and the rest."""
    place = bisect_right(page, last, key=itemgetter(0))
    return page[:place], page[place:]


def _look_closely(index: SearchIndex, source: Source, ids: Sequence[str]) -> Iterator[Difference]:
    before = source.standing(ids)
    live, held = index.versions(ids), index.versions(ids, withdrawn=True)
    judged = [
        _judge(one, before.get(one), live.get(one), held.get(one))
        for one in ids
        if not (one in before and before[one].waiting)
    ]
    differing = [difference for difference in judged if difference]
    after = source.standing([difference.id for difference in differing])
    return (one for one in differing if before.get(one.id) == after.get(one.id))


def _judge(
    identifier: str, standing: Standing | None, live: int | None, held: int | None
) -> Difference | None:
    """How a record differs of which the index holds a live version, or has known one."""
    wanted = standing.version if standing and standing.live else None
    if live == wanted:
        return None
    if wanted is None:
        kind = Kind.LEFT_OVER
    elif live is None:
        kind = Kind.MISSING
    else:
        kind = Kind.BEHIND if live < wanted else Kind.AHEAD
    return Difference(identifier, kind, standing.version if standing else None, held)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, some at a time."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
