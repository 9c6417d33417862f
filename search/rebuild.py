"""Building a new generation beside the live one, and handing over without a pause.

While it is built every write goes to both, and versions see to it that the older write never wins,
whichever comes first. A writer must look at the pointer only after its change is committed at the
source: then either the rebuild's own reading finds the change, or the writer finds the new
generation. Tombstones that no one wrote meanwhile are not carried over: a rebuild forgets them.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from search.alias import AliasedIndex, Generations
from search.analysis.words import read_words
from search.documents import Document
from search.index import Query, SearchError, SearchIndex, Status

T = TypeVar("T")

_BATCH = 2_000
_SAMPLED = 5  # of each batch

#: Every live document in the order of its id, beginning after the id given, or at the first.
Source = Callable[[str | None], Iterable[Document]]


class Progress(msgspec.Struct, frozen=True):
    """How far a rebuild has come; ``checkpoint`` is where to go on after an interruption."""

    generation: str
    done: int
    checkpoint: str


class WentBack(msgspec.Struct, frozen=True):
    """The generation that is live again, and the ids that it holds in an older state."""

    generation: str
    missed: Sequence[str]


class RebuildRefusedError(SearchError):
    """The new generation is not what the source says: it is kept for a look, not swapped in."""

    def __init__(self, generation: str, reason: str) -> None:
        super().__init__(f"{generation}: {reason}")
        self.generation = generation
        self.reason = reason


class Rebuild:
    """One rebuild of ``alias``. One at a time: the caller holds the lease.

    How far it has come is remembered beside the pointer. ``report`` hears of each batch.
    """

    def __init__(
        self,
        alias: AliasedIndex,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        self._alias = alias
        self._pointer = alias.pointer
        self._report = report
        self._random = random.Random(0)  # noqa: S311  a sample is no secret

    def run(self, source: Source, count: Callable[[], int]) -> Progress:
        """Fill, verify, swap; an interrupted rebuild goes on where it stopped.

        ``count`` is how many live documents the source has, asked once the filling is done; it may
        wait until the writes meanwhile have been taken up.
        Raises RebuildRefusedError when a document is refused, or counts or the sample differ.
        """
        progress = self._begin()
        fresh = self._alias.named(progress.generation)
        sample: list[Document] = []
        for batch in _batches(source(progress.checkpoint or None)):
            self._fill(fresh, batch)
            sample += self._random.sample(batch, min(_SAMPLED, len(batch)))
            progress = Progress(progress.generation, progress.done + len(batch), batch[-1].id)
            self._pointer.remember(msgspec.json.encode(progress))
            if self._report:
                self._report(progress)
        self._verify(fresh, count(), sample)
        self._hand_over(progress.generation)
        return progress

    def go_back(self, ids: Iterable[str]) -> WentBack:
        """Make the generation before the live one live again, and say what it has missed.

        Writes since the swap went past it. ``ids`` are all that the source knows, withdrawn ones
        too; the caller must mark as dirty, at once, those that come back as ``missed``: until they
        are written again they are answered as they were. The comparison follows the change, so
        that a write under way is either seen by it or goes to the generation made live.
        Raises RebuildRefusedError when there is none, or while another is being built.
        """
        generations = self._alias.generations
        if generations.building or not generations.previous:
            reason = "another is being built" if generations.building else "none is before it"
            raise RebuildRefusedError(generations.live, reason)
        self._pointer.replace(Generations(live=generations.previous, previous=generations.live))
        left, live = self._alias.named(generations.live), self._alias.named(generations.previous)
        missed = [one for batch in _batches(ids) for one in _behind(live, left, batch)]
        return WentBack(generations.previous, missed)

    def abandon(self) -> None:
        """Give up the generation that is being built, and remove it."""
        generations = self._alias.generations
        self._pointer.replace(msgspec.structs.replace(generations, building=""))
        self._pointer.remember(None)
        if generations.building:
            self._alias.remove(generations.building)

    def _begin(self) -> Progress:
        generations = self._alias.generations
        checkpoint = self._pointer.checkpoint()
        if generations.building and checkpoint:
            stopped = msgspec.json.decode(checkpoint, type=Progress)
            if stopped.generation == generations.building:
                return stopped
        self.abandon()
        newest = max(msgspec.structs.astuple(generations))
        name = f"g{int(newest.removeprefix('g')) + 1:06}"
        self._pointer.replace(msgspec.structs.replace(generations, building=name))
        return Progress(name, 0, "")

    def _hand_over(self, name: str) -> None:
        old = self._alias.generations
        self._pointer.replace(Generations(live=name, previous=old.live))
        self._pointer.remember(None)
        if old.previous:
            self._alias.remove(old.previous)

    def _fill(self, fresh: SearchIndex, batch: list[Document]) -> None:
        for outcome in fresh.write(batch):
            if outcome.status is Status.REFUSED:
                raise RebuildRefusedError(fresh.generation, f"{outcome.id}: {outcome.reason}")

    def _verify(self, fresh: SearchIndex, expected: int, sample: list[Document]) -> None:
        found = fresh.count()
        if found != expected:
            reason = f"it holds {found} documents, the source {expected}"
            raise RebuildRefusedError(fresh.generation, reason)
        held = fresh.versions([document.id for document in sample], withdrawn=True)
        live = fresh.versions([document.id for document in sample])
        for document in sample:
            if held.get(document.id, document.version - 1) < document.version:
                reason = f"{document.id} is missing or older than given"
                raise RebuildRefusedError(fresh.generation, reason)
            if live.get(document.id) == document.version and not _is_found(fresh, document):
                raise RebuildRefusedError(fresh.generation, f"{document.id} is not found by title")


def _behind(index: SearchIndex, other: SearchIndex, ids: Sequence[str]) -> Iterator[str]:
    """The ids of which another index knows a newer state."""
    known, newer = (one.versions(ids, withdrawn=True) for one in (index, other))
    return (one for one in ids if one in newer and known.get(one, newer[one] - 1) < newer[one])


def _is_found(index: SearchIndex, document: Document) -> bool:
    query = Query(words=document.title, audience=document.audience, limit=1, highlights=False)
    return not read_words(document.title).items or index.search(query).total > 0


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
