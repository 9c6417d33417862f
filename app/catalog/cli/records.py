"""``kaijuan record``: mending the catalogue from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click
import msgspec
from msgspec import UNSET
from sqlalchemy.orm import Session

from app import config
from app.catalog.description import Description, decoder
from app.catalog.models import RecordRow
from app.catalog.services import changes, merging, placing
from app.catalog.services.explaining import AccessView, explain
from app.catalog.texts import require_sound, require_title
from app.database import Database, now
from app.errors import Fault, InvalidError
from app.identity.asking import as_if
from app.identity.policies import Policy, Rules
from app.identity.services import policies
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
@click.option("--policy", help="Who may open it: open, signed-in, staff, or rules as JSON.")
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
        policy = _policy(places.pop("policy"))
    told: dict[str, str | None] = {
        name: value for name, value in places.items() if value is not None
    }
    if told.get("parent_id") == "":
        told["parent_id"] = None

    def mend(session: Session, row: RecordRow) -> RecordRow:
        if policy is not None:
            told["policy"] = policies.kept(session, policy, "--policy")
        place = msgspec.convert(told, placing.Place)
        return changes.edit(session, row, fields, None, note, place)

    _change(record_id, as_json, mend)


@record.command("explain")
@click.argument("record_id")
@click.option("--account", help="The account that would ask; nobody, without it.")
@click.option("--address", default="", help="The address it would ask from.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]),
              help="When, with its zone: 2026-01-31T08:30+0800. Now, without it.")  # fmt: skip
@json_option
def explain_record(
    record_id: str, account: str | None, address: str, at: datetime | None, as_json: bool
) -> None:
    """Say step by step why a record can be used, or cannot."""
    with refusals():
        database, when = Database(config.load().database_url), at or now()
        with database.transaction(writes=False) as session:
            view = explain(session, as_if(session, account, address, when), record_id, when)
        show(view, as_json, lambda: _steps(view))


def _steps(view: AccessView) -> Iterator[str]:
    inside = ", ".join(view.networks) or "no network that is known"
    yield f"{view.account or 'nobody'}, from {view.address or 'nowhere'} ({inside}), at {view.at}"
    for step in view.steps:
        mark = "yes" if step.holds else f"NO: {step.reason}"
        yield f"{step.of:8} {step.step:10} wants {step.wanted}; found {step.found}: {mark}"
    use = view.use
    yield "It may be used." if use.allowed else f"Refused ({use.reason}): {use.remedy}"


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


def _policy(written: str | None) -> Policy | Rules | None:
    """``signed-in``, or ``{"assurance": 3}``."""
    if written is None:
        return None
    try:
        if written.lstrip().startswith("{"):
            return msgspec.json.decode(written, type=Rules)
        return msgspec.convert(written, Policy)
    except msgspec.MsgspecError as error:
        raise InvalidError(Fault("--policy", "invalid", str(error))) from error


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
