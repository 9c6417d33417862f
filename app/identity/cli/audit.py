"""``kaijuan audit``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from app import config
from app.database import Database
from app.identity.services import audit as notes
from app.identity.services import exporting, verifying
from app.identity.trail import Verified
from app.terminal import json_option, refusals, show

Noted = tuple[int, str]
MOMENT = click.DateTime(("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"))


def _noted(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Noted | None:
    if value is None:
        return None
    number, _, seal = value.partition(":")
    if not number.isdecimal() or len(seal) != 64:
        raise click.BadParameter("a number, a colon and 64 digits, as `audit verify` prints them")
    return int(number), seal.lower()


@click.group()
def audit() -> None:
    """Who did what to whom: verify and export it."""


@audit.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--noted", metavar="NUMBER:SEAL", callback=_noted,
              help="A seal that was noted elsewhere and must be there.")  # fmt: skip
@json_option
def verify(file: Path | None, noted: Noted | None, as_json: bool) -> None:
    """Recompute every seal, and name the first thing that does not fit.

    With FILE, an export, nothing but the file is looked at.
    """
    with refusals():
        if file:
            found = verifying.check_file(file, noted)
        else:
            database = Database(config.load().database_url)
            with database.transaction(writes=False, snapshot=True) as session:
                found = verifying.check_database(session, noted)
        show(found, as_json, lambda: _lines(found))
    raise SystemExit(1 if found.fault else 0)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--since", type=MOMENT, help="Seals made from then on: 2026-01-31T12:00+0800.")
@click.option("--until", type=MOMENT, help="Seals made before.")
@json_option
def export(file: Path, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Write sealed events into FILE, as JSON lines with proofs."""
    with refusals():
        database = Database(config.load().database_url)
        with database.transaction(writes=False, snapshot=True) as session:
            done = exporting.export(session, file, since, until)
        with database.transaction() as session:
            last = done.last.number if done.last else None
            notes.note(session, notes.SYSTEM, "audit.exported", "audit:export", last=last)
        show(done, as_json, lambda: _lines(done))


def _lines(found: Verified) -> Iterator[str]:
    waiting = f"; {found.waiting:,} wait for the next" if found.waiting else ""
    yield f"{found.seals:,} seals over {found.events:,} events{waiting}."
    if found.last:
        yield f"The last one, to be noted elsewhere: {found.last.number}:{found.last.seal}"
    if found.fault:
        yield f"NOT what was sealed: {found.fault}."
