"""Building a new generation beside the live one, and handing over without a pause.

While it is built every write goes to both, and versions see to it that the older write never wins,
whichever comes first. A writer must look at the pointer only after its change is committed at the
source: then either the rebuild's own reading finds the change, or the writer finds the new
generation. So it does not matter in which order changes are committed, nor where in the order of
ids they stand: what the reading has passed is brought by its writer. Tombstones that no one wrote
meanwhile are not carried over: a rebuild forgets them.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress

import msgspec

from search.ahead import done_in_order, made_ahead
from search.alias import AliasedIndex, Generations
from search.analysis.words import read_words
from search.comparison import Comparison, Difference, Source, batches, compare
from search.documents import Document, Item, Tombstone
from search.index import (
    IndexOutdatedError,
    IndexUnavailableError,
    Query,
    SearchError,
    SearchIndex,
    Status,
)

BATCH = 4_000
#: Batches under way: with one alone the index would wait while the next is put into its words.
_AT_ONCE = 2
#: Documents that a rebuild may leave waiting because the index refused them.
MOST_REFUSED = 100
#: So many names back a rebuild looks for generations that nothing names.
_SWEPT = 8
_LOOKED_AT = 50


class Progress(msgspec.Struct, frozen=True):
    """How far a rebuild has come; ``checkpoint`` is where to go on after an interruption.

    ``compared`` is 0 while documents are written, and then how many records were compared.
    """

    generation: str
    done: int
    checkpoint: str
    compared: int = 0


class RebuildRefusedError(SearchError):
    """The new generation is not what the source says: it is kept for a look, not swapped in."""

    def __init__(self, generation: str, reason: str) -> None:
        super().__init__(f"{generation}: {reason}")
        self.generation = generation
        self.reason = reason


class Rebuild:
    """One rebuild of ``alias``. One at a time: the caller holds the lease.

    How far it has come is remembered beside the pointer. ``report`` hears of each batch, and may
    raise to stop; ``guard`` is asked before the swap, and raises when the lease is another's.
    """

    def __init__(
        self,
        alias: AliasedIndex,
        report: Callable[[Progress], object] = lambda _: None,
        guard: Callable[[], object] = lambda: None,
        *,
        batch: int = BATCH,
    ) -> None:
        self._alias = alias
        self._pointer = alias.pointer
        self._report = report
        self._guard = guard
        self._batch = batch
        self._refused = set[str]()

    def begin(self, *, restart: bool = False) -> Progress:
        """Where to start: at the checkpoint of what was interrupted, or at a new generation.

        What another release began is begun anew, and so it is with ``restart``. No name is ever
        used twice, for another process may still write to what it knows by it.
        """
        generations = self._alias.generations
        if generations.building and not restart and self._is_current(generations.building):
            return self._stopped(generations.building)
        newest = max(_number(name) for name in msgspec.structs.astuple(generations) if name)
        generations = msgspec.structs.replace(generations, building=_name(newest + 1))
        self._pointer.replace(generations)
        self._pointer.remember(None)
        self._sweep(generations, newest)
        return Progress(generations.building, 0, "")

    def run(self, source: Source, progress: Progress | None = None) -> Progress:
        """Fill, verify, swap; ``progress`` is what :meth:`begin` gave.

        A document that is refused stops nothing: it waits at the source. Raises RebuildRefusedError
        when many are, so that it must be the index's fault, or when the generation differs from the
        source even though what differed was written once more.
        """
        progress = progress or self.begin()
        fresh, self._refused = self._alias.named(progress.generation), set()
        with closing(made_ahead(self._written(fresh, source, progress))) as written:
            for batch in written:
                done = progress.done + len(batch)
                progress = Progress(progress.generation, done, batch[-1].id)
                self._pointer.remember(msgspec.json.encode(progress))
                self._report(progress)
        self._verify(fresh, source, progress)
        self._hand_over(progress.generation)
        return progress

    def _written(
        self, fresh: SearchIndex, source: Source, progress: Progress
    ) -> Generator[list[Document], None, None]:
        """The batches after the checkpoint, each given once the new generation has taken it."""

        def write(batch: list[Document]) -> list[Document]:
            self._write(fresh, source, batch)
            return batch

        made = made_ahead(batches(source.documents(progress.checkpoint), self._batch))
        return done_in_order(write, made, at_once=_AT_ONCE)

    def _write(self, fresh: SearchIndex, source: Source, items: Sequence[Item]) -> None:
        refused = {one.id: one.reason for one in fresh.write(items) if one.status is Status.REFUSED}
        if not refused:
            return
        self._refused.update(refused)
        if len(self._refused) > MOST_REFUSED:
            first = ", ".join(f"{one}: {reason}" for one, reason in list(refused.items())[:3])
            raise RebuildRefusedError(
                fresh.generation, f"{len(self._refused)} documents are refused: {first}"
            )
        source.put_off({i.id: (i.version, refused[i.id]) for i in items if i.id in refused})

    def _write_again(self, fresh: SearchIndex, source: Source, found: Sequence[Difference]) -> None:
        items = list(source.items([one.id for one in found]))
        known = {item.id for item in items}
        gone = [Tombstone(one.id, (one.held or 0) + 1) for one in found if one.id not in known]
        self._write(fresh, source, [*items, *gone])

    def go_back(self) -> Generations:
        """Make the generation before the live one live again.

        Writes since the swap went past it, and those under way may: the caller must have whatever
        waits written again, and compare, at once. Until then readers are answered as they were.
        Raises RebuildRefusedError when there is none that can be read, or while another is built.
        """
        generations = self._alias.generations
        if generations.building or not generations.previous:
            reason = "another is being built" if generations.building else "none is before it"
            raise RebuildRefusedError(generations.live, reason)
        if not self._is_current(generations.previous):
            raise RebuildRefusedError(generations.previous, "another release wrote it")
        back = Generations(live=generations.previous, previous=generations.live)
        self._guard()
        self._pointer.replace(back)
        return back

    def _sweep(self, generations: Generations, newest: int) -> None:
        """Remove what is no longer named, and what a kill before its removal has left."""
        unnamed = {_name(number) for number in range(max(1, newest - _SWEPT), newest + 1)}
        for name in sorted(unnamed.difference(msgspec.structs.astuple(generations))):
            self._alias.remove(name)

    def _is_current(self, name: str) -> bool:
        try:
            self._alias.named(name).count()
        except IndexOutdatedError:
            return False
        return True

    def _stopped(self, building: str) -> Progress:
        """The checkpoint, or the first id where none was reached: writers know the name already."""
        checkpoint = self._pointer.checkpoint()
        if checkpoint:
            stopped = msgspec.json.decode(checkpoint, type=Progress)
            if stopped.generation == building:
                return stopped
        return Progress(building, 0, "")

    def _verify(self, fresh: SearchIndex, source: Source, progress: Progress) -> None:
        """Twice: what an engine lost when it fell over meanwhile is written again, once."""

        def report(compared: int) -> None:
            self._report(msgspec.structs.replace(progress, compared=compared))

        def mend(found: Sequence[Difference]) -> None:
            self._write_again(fresh, source, found)

        compared, sample = compare(fresh, source, found=mend, report=report)
        if compared.differing:
            compared, sample = compare(fresh, source, report=report)
        if compared.differing:
            raise RebuildRefusedError(fresh.generation, _described(compared))
        for item in source.items(sample):
            if isinstance(item, Document) and _lost(fresh, item):
                raise RebuildRefusedError(fresh.generation, f"{item.id} is not found by its title")

    def _hand_over(self, name: str) -> None:
        self._guard()
        old = self._alias.generations
        if old.building != name:
            raise RebuildRefusedError(name, "it is no longer the one being built")
        self._pointer.replace(Generations(live=name, previous=old.live))
        self._pointer.remember(None)
        if old.previous:
            with suppress(IndexUnavailableError):  # the swap is done; the next rebuild sweeps
                self._alias.remove(old.previous)


def _number(name: str) -> int:
    return int(name.removeprefix("g"))


def _name(number: int) -> str:
    return f"g{number:06}"


def _described(compared: Comparison) -> str:
    first = ", ".join(f"{one.id} is {one.kind}" for one in compared.first[:3])
    counts = f"it holds {compared.documents} documents, the source {compared.records}"
    return f"{counts}, and {compared.differing} differ: {first}"


def _lost(fresh: SearchIndex, document: Document) -> bool:
    """Whether a search for the title does not find a document that the index holds."""
    if _is_found(fresh, document) or not _is_held(fresh, document):
        return False
    fresh.walk("", 1)  # from here on a search knows what a change meanwhile has written
    return not _is_found(fresh, document) and _is_held(fresh, document)


def _is_held(index: SearchIndex, document: Document) -> bool:
    return index.versions([document.id]).get(document.id) == document.version


def _is_found(index: SearchIndex, document: Document) -> bool:
    """Where many bear a title, it is enough that some are found."""
    if not read_words(document.title).items:
        return True
    query = Query(
        words=document.title, audience=document.audience, limit=_LOOKED_AT, highlights=False
    )
    hits = index.search(query)
    return hits.total > _LOOKED_AT or document.id in {hit.id for hit in hits.items}
