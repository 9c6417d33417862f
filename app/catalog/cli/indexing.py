"""``kaijuan reindex``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

import click
import msgspec

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog.services import reindexing
from app.catalog.services.leading import leading
from app.catalog.services.reindexing import GenerationLine
from app.catalog.services.sourcing import Catalogue
from app.terminal import Meter, json_option, refusals, show
from search.alias import AliasedIndex
from search.comparison import Comparison
from search.rebuild import Progress, Rebuild


class Rebuilt(msgspec.Struct, frozen=True):
    """The result of a rebuild: ``begun`` of the documents were written before an interruption.

    ``drained`` are changes made meanwhile that the index has now, beside those a worker brought.
    """

    generation: str
    done: int
    begun: int
    drained: int
    seconds: float


@click.command()
@click.option("--restart", is_flag=True, help="Begin anew instead of going on.")
@click.option("--verify", is_flag=True, help="Compare the whole index with the catalogue.")
@click.option("--mend", is_flag=True, help="With --verify: have what differs indexed again.")
@click.option("--back", is_flag=True, help="Use the generation before this one again.")
@click.option("--list", "as_list", is_flag=True, help="Say which generations there are.")
@json_option
def reindex(
    restart: bool, verify: bool, mend: bool, back: bool, as_list: bool, as_json: bool
) -> None:
    """Build the search index anew beside the live one, verify it, then use it.

    Readers search the live one meanwhile. Interrupted, it goes on where it stopped.
    """
    if restart + verify + back + as_list > 1 or (mend and not verify):
        raise click.UsageError("These options do not go together.")
    with refusals():
        adapters = open_adapters(config.load())
        if verify:
            found = _verify(adapters, mend, as_json)
            show(found, as_json, lambda: _comparison_lines(found, mend))
            raise SystemExit(1 if found.differing else 0)
        if back:
            went = reindexing.go_back(adapters.database, _alias(adapters))
            reindexing.catch_up(adapters.database, adapters.index)
            line = f"{went.generation} is in use again; it had missed {went.missed:,} records."
            show(went, as_json, lambda: iter([line]))
        elif as_list:
            lines = reindexing.generations(_alias(adapters))
            show(lines, as_json, lambda: map(_generation_line, lines))
        else:
            done = rebuild(adapters, quiet=as_json, restart=restart)
            line = f"{done.done:,} documents; {done.generation} is in use."
            show(done, as_json, lambda: iter([line]))


def rebuild(adapters: Adapters, *, quiet: bool = False, restart: bool = False) -> Rebuilt:
    """Builds a new generation from the catalogue and swaps it in; goes on where it was stopped.

    :raises RebuildHeldError: while another process is at it.
    """
    source, started = Catalogue(adapters.database), time.monotonic()
    with leading(adapters.database) as lead, ExitStack() as shown:
        steps = _Steps(source.count(), quiet, shown)

        def report(progress: Progress) -> None:
            lead.look()
            steps.report(progress)

        work = Rebuild(_alias(adapters), report, lead.hold)
        progress = work.begin(restart=restart)
        steps.begin(progress)
        done = work.run(source, progress)
    drained = reindexing.catch_up(adapters.database, adapters.index)
    seconds = round(time.monotonic() - started, 1)
    return Rebuilt(done.generation, done.done, progress.done, drained, seconds)


class _Steps:
    """What a person sees of a rebuild: one meter after the other."""

    def __init__(self, total: int, quiet: bool, shown: ExitStack) -> None:
        self._total, self._quiet, self._shown = total, quiet, shown
        self._meter: Meter | None = None
        self._is_comparing = False

    def begin(self, progress: Progress) -> None:
        """Says where it goes on."""
        if progress.done and not self._quiet:
            line = f"Going on with {progress.generation}: {progress.done:,} documents are written."
            click.echo(line, err=True)
        self._next("documents", progress.done)

    def report(self, progress: Progress) -> None:
        """Moves the meter of the step that this is of."""
        if progress.compared and not self._is_comparing:
            self._is_comparing = True
            self._next("compared", 0)
        if self._meter:
            self._meter.at(progress.compared or progress.done)

    def _next(self, label: str, begun: int) -> None:
        self._shown.pop_all().close()
        meter = Meter(label, self._total, self._quiet, begun=begun)
        self._meter = self._shown.enter_context(meter)


def _verify(adapters: Adapters, mending: bool, quiet: bool) -> Comparison:
    with Meter("compared", Catalogue(adapters.database).count(), quiet=quiet) as meter:
        found = reindexing.verify(
            adapters.database, _alias(adapters), mending=mending, report=meter.at
        )
    if mending:
        reindexing.catch_up(adapters.database, adapters.index)
    return found


def _comparison_lines(found: Comparison, mended: bool) -> Iterator[str]:
    yield (
        f"{found.generation}: {found.documents:,} documents, {found.records:,} published records;"
        f" {found.missing:,} missing, {found.behind:,} behind, {found.ahead:,} ahead,"
        f" {found.left_over:,} left over; {found.waiting:,} under way."
    )
    for one in found.first:
        yield f"{one.kind}: {one.id}, version {one.version or '-'}, in the index {one.held or '-'}"
    if found.differing:
        mend = "They were marked to be indexed again." if mended else "Mend them with --mend."
        yield f"{found.differing:,} differ. {mend}"


def _generation_line(line: GenerationLine) -> str:
    count = line.problem or f"{line.documents or 0:,} documents"
    written = "" if line.written is None else f", {line.written:,} written so far"
    return f"{line.generation} {line.role}: {count}{written}"


def _alias(adapters: Adapters) -> AliasedIndex:
    return cast(AliasedIndex, adapters.index)
