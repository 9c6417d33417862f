"""``kaijuan keys``: the keys that sign tokens."""

from __future__ import annotations

import click

from app import config
from app.signon.keys import KeyLine, Keys
from app.terminal import json_option, refusals, show


@click.group()
def keys() -> None:
    """The keys that sign tokens; every process sees a change by itself."""


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys: next, signing, published (signed a moment ago), or old."""
    with refusals():
        rows = _keys().listed()
        show(rows, as_json, lambda: (_said(row) for row in rows))


@keys.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="It signs at once: after a theft.")
@json_option
def rotate(at_once: bool, as_json: bool) -> None:
    """Make the next key. It is published at once, and signs a day later."""
    with refusals():
        row = _keys().rotate(at_once=at_once)
        show(row, as_json, lambda: iter([_said(row)]))


@keys.command("retire")
@click.argument("key_id")
@json_option
def retire(key_id: str, as_json: bool) -> None:
    """Remove a key: what it signed is not believed any more."""
    with refusals():
        _keys().retire(key_id)
        result = {"key": key_id, "retired": True}
        show(result, as_json, lambda: iter([f"{key_id} is gone."]))


def _keys() -> Keys:
    return Keys(config.load().oidc_keys_dir)


def _said(row: KeyLine) -> str:
    return f"{row.id}  {row.state:9} signs from {row.signs_from:%Y-%m-%d %H:%M:%S} UTC"
