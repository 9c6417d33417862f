"""``kaijuan record``: mending the catalogue from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec
from msgspec import UNSET
from sqlalchemy.orm import Session

from app import config
from app.catalog.description import Description, Policy, decoder
from app.catalog.models import RecordRow
from app.catalog.services import changes, merging, placing
from app.catalog.texts import require_sound, require_title
from app.database import Database
from app.errors import Fault, InvalidError
from app.terminal import json_option, refusals, show


@click.group()
def record() -> None:
    """Look at and mend single records."""


@record.command("show")
@click.argument("record_id")
@json_option
def show_record(record_id: str, as_json: bool) -> None:
    """Show a record, whatever its state."""
    _change(record_id, as_json, lambda _session, row: row, writes=False)


@record.command()
@click.argument("record_id")
@click.option("--set", "pairs", multiple=True, help="FIELD=VALUE, the value as JSON.")
@click.option("--state", type=click.Choice(["draft", "published"]))
@click.option("--audience", type=click.Choice(["public", "staff"]), help="Who may see it.")
@click.option("--policy", type=click.Choice([p.value for p in Policy]), help="Who may open it.")
@click.option("--library", "library_id", help="The library that owns it from now on.")
@click.option("--parent", "parent_id", help="The record it belongs to; '' for none.")
@click.option("--note", default="")
@json_option
def edit(
    record_id: str, pairs: tuple[str, ...], note: str, as_json: bool, **places: str | None
) -> None:
    """Mend fields of the description, and where the record stands.

    What you set stands over later imports.
    """
    with refusals():
        fields = dict(_field(pair) for pair in pairs)
        require_title(fields.get("title", UNSET), "--set title")
        require_sound(fields, "--set")
    told: dict[str, str | None] = {
        name: value for name, value in places.items() if value is not None
    }
    if told.get("parent_id") == "":
        told["parent_id"] = None
    place = msgspec.convert(told, placing.Place)
    _change(record_id, as_json, lambda s, row: changes.edit(s, row, fields, None, note, place))


@record.command()
@click.argument("record_id")
@click.option("--reason", required=True, help="Readers see it on the tombstone.")
@json_option
def withdraw(record_id: str, reason: str, as_json: bool) -> None:
    """Withdraw a record; its tombstone stays."""
    _change(record_id, as_json, lambda s, row: changes.withdraw(s, row, reason, None))


@record.command()
@click.argument("record_id")
@click.option("--version", type=int, help="Back to what it said then.")
@json_option
def restore(record_id: str, version: int | None, as_json: bool) -> None:
    """Restore a withdrawn record, or what an earlier version said."""
    _change(record_id, as_json, lambda s, row: changes.restore(s, row, None, version))


@record.command()
@click.argument("record_id")
@click.argument("into")
@json_option
def merge(record_id: str, into: str, as_json: bool) -> None:
    """Merge a duplicate INTO another record, which answers in its place."""
    _change(record_id, as_json, lambda s, row: merging.merge(s, row, changes.load(s, into), None))


def _change(
    record_id: str,
    as_json: bool,
    work: Callable[[Session, RecordRow], RecordRow],
    *,
    writes: bool = True,
) -> None:
    with refusals():
        database = Database(config.load().database_url)
        with database.transaction(writes=writes) as session:
            row = work(session, changes.load(session, record_id))
            result = _said(row)
        show(result, as_json, lambda: _lines(result))


def _said(row: RecordRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "version": row.version,
        "library": row.library_id,
        "audience": row.audience,
        "policy": row.policy,
        "parent": row.parent_id,
        "mended": sorted(filter(None, row.mended.split(","))),
        "description": msgspec.to_builtins(decoder.decode(row.description)),
    }


def _lines(result: dict[str, Any]) -> Iterator[str]:
    for name, value in result.items():
        if name != "description":
            yield f"{name}: {value}"
    for name, value in result["description"].items():
        yield f"  {name}: {msgspec.json.encode(value).decode()}"


def _field(pair: str) -> tuple[str, Any]:
    """``title="史记"`` as the field and its value, typed as the description types it."""
    name, separator, written = pair.partition("=")
    kinds = {field.name: field.type for field in msgspec.structs.fields(Description)}
    if not separator or name not in kinds:
        known = ", ".join(kinds)
        raise InvalidError(Fault("--set", "unknown", f"write FIELD=VALUE; fields: {known}"))
    try:
        value = msgspec.json.decode(written)
    except msgspec.DecodeError:
        value = written
    try:
        return name, msgspec.convert(value, kinds[name])
    except msgspec.ValidationError as error:
        raise InvalidError(Fault(f"--set {name}", "invalid", str(error))) from error
