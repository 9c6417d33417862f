"""``kaijuan backup`` and ``kaijuan restore``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
import msgspec

from app import config
from app.adapters import Adapters, open_adapters
from app.operating.backup import keeping, secrets
from app.operating.backup.manifest import BackupError, Problem
from app.operating.backup.restoring import Restored, Restoring
from app.operating.backup.taking import Taken, take
from app.operating.backup.target import Target, open_target
from app.terminal import json_option, refusals, show

MIB = 1024 * 1024
FOLDER = click.Path(file_okay=False, path_type=Path)


class Done(msgspec.Struct, frozen=True):
    """What ``kaijuan backup`` did."""

    backup: Taken
    removed: tuple[str, ...]
    """Generations that are kept no longer."""
    secrets: int
    """How many were written to the folder that was given."""


@contextmanager
def _answers() -> Iterator[None]:
    """As every command refuses, and what a disk says too."""
    with refusals():
        try:
            yield
        except OSError as error:
            raise BackupError(f"{error.filename or 'The disk'}: {error.strerror}.") from error


@click.command()
@click.argument("target")
@click.argument("generation", required=False)
@click.option("--keep", type=click.IntRange(1), help="Keep so many generations, forget older ones.")
@click.option(
    "--secrets", "secrets_folder", type=FOLDER, help="Write the secrets too, into this folder."
)
@click.option("--list", "is_list", is_flag=True, help="List the generations of TARGET.")
@click.option("--verify", is_flag=True, help="Compare everything in TARGET with its digests.")
@json_option
def backup(
    target: str,
    generation: str | None,
    keep: int | None,
    secrets_folder: Path | None,
    is_list: bool,
    verify: bool,
    as_json: bool,
) -> None:
    """Back up everything to TARGET, a folder or s3://bucket/prefix, while it is in use.

    Objects are copied once, for all generations. With --verify, GENERATION (or the beginning of
    its name) is the only one looked at.
    """
    if generation and not verify:
        raise click.UsageError("GENERATION goes with --verify.")
    with _answers():
        settings = config.load()
        place = open_target(target, settings, create=not (is_list or verify))
        if is_list:
            found = keeping.listed(place)
            show(found, as_json, lambda: map(_generation_line, found))
            return
        with _opened(settings) as adapters:
            if verify:
                _verify(place, generation, adapters, as_json)
                return
            kept = secrets.keep(settings, secrets_folder, place.folder) if secrets_folder else 0
            with place.alone():
                taken = take(settings, adapters, place, quiet=as_json)
                with adapters.scratch.folder() as scratch:
                    removed = keeping.forget(place, keep, scratch) if keep else []
            done = Done(taken, tuple(removed), kept)
            show(done, as_json, lambda: _taken_lines(done))
    raise SystemExit(1 if taken.problems else 0)


def _verify(place: Target, generation: str | None, adapters: Adapters, as_json: bool) -> None:
    names = [place.chosen(generation)] if generation else place.complete()
    if not names:
        raise BackupError(f"{place.address} has no complete backup.")
    with adapters.scratch.folder() as scratch:
        checked = keeping.check(place, names, scratch, quiet=as_json)
    summary = (
        f"{len(names)} generations, {checked.parts:,} parts, {checked.objects:,} objects: "
        f"{len(checked.problems)} damaged or missing."
    )
    show(checked, as_json, lambda: iter([*_problem_lines(checked.problems), summary]))
    if checked.problems:
        raise SystemExit(1)


@contextmanager
def _opened(settings: config.Settings) -> Iterator[Adapters]:
    adapters = open_adapters(settings)
    try:
        yield adapters
    finally:
        adapters.index.close()
        adapters.database.close()


def _generation_line(found: keeping.Generation) -> str:
    if not found.complete:
        return f"{found.name}  incomplete: it was interrupted, or is being written"
    return (
        f"{found.name}  {found.rows:,} rows, {found.objects:,} objects "
        f"({found.objects_size / MIB:,.0f} MiB)" + (", with problems" if found.problems else "")
    )


def _problem_lines(problems: tuple[Problem, ...]) -> Iterator[str]:
    for problem in problems:
        yield f"  {problem.place}: {problem.code}: {problem.message}"


def _taken_lines(done: Done) -> Iterator[str]:
    taken = done.backup
    yield (
        f"{taken.rows:,} rows ({taken.database_size / MIB:,.1f} MiB) and {taken.objects:,} objects "
        f"({taken.objects_size / MIB:,.1f} MiB, {taken.copied:,} of them new) "
        f"in {taken.seconds:,.1f} s."
    )
    yield f"{taken.generation} in {taken.target}: everything up to {taken.point}."
    if done.removed:
        yield f"Forgotten: {', '.join(done.removed)}."
    yield from _problem_lines(taken.problems)


@click.command()
@click.argument("target")
@click.argument("generation", required=False)
@click.option("--at", type=click.DateTime(("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z")),
              help="The newest one up to this moment: 2026-01-31T12:00+0800.")  # fmt: skip
@click.option("--replace", metavar="NAME", help="Replace the database of this name.")
@click.option(
    "--secrets", "secrets_folder", type=FOLDER, help="Put the secrets of this folder in place."
)
@click.option("--despite-damage", is_flag=True, help="Go on without objects that are damaged.")
@click.option("--no-reindex", is_flag=True, help="Leave the search index to `kaijuan reindex`.")
@json_option
def restore(
    target: str,
    generation: str | None,
    at: datetime | None,
    replace: str | None,
    secrets_folder: Path | None,
    despite_damage: bool,
    no_reindex: bool,
    as_json: bool,
) -> None:
    """Bring the library back as it stood in GENERATION of TARGET, or in the newest one."""
    with _answers():
        settings = config.load()
        place = open_target(target, settings)
        name = place.chosen(generation, at)
        with _opened(settings) as adapters:
            restoring = Restoring(
                adapters, place, replace=replace, despite_damage=despite_damage, quiet=as_json
            )
            done = restoring.run(name, reindex=not no_reindex, secrets_from=secrets_folder)
        show(done, as_json, lambda: _restored_lines(done))
    raise SystemExit(1 if done.problems else 0)


def _restored_lines(done: Restored) -> Iterator[str]:
    yield (
        f"{done.rows:,} rows and {done.objects:,} objects ({done.copied:,} were missing here) "
        f"in {done.seconds:,.1f} s."
    )
    yield f"The library is as it was at {done.point}. What was answered later is lost."
    if done.indexed is None:
        yield "Search is behind: run `kaijuan reindex`."
    if done.other_secrets:
        names = ", ".join(done.other_secrets)
        yield f"Not the secrets of the backup: {names}. See docs/operations/backup.md."
    yield from _problem_lines(done.problems)
    for diagnosis in done.doctor:
        yield f"NOT {diagnosis.what}: {diagnosis.detail}"
        yield f"    → {diagnosis.mend}"
