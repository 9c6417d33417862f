"""``kaijuan card``: library cards, where somebody has the machine."""

from __future__ import annotations

import click

from app import config
from app.database import Database, rfc3339
from app.identity import handles
from app.identity.services import cards
from app.identity.services.audit import SYSTEM
from app.sealing import Sealer
from app.terminal import json_option, refusals, show

_library = click.option("--library", "library_id", required=True, help="Whose card it is.")


@click.group()
def card() -> None:
    """Library cards. NUMBER is that of the card at its library."""


@card.command()
@click.argument("number")
@click.argument("account_id")
@_library
@json_option
def attach(number: str, account_id: str, library_id: str, as_json: bool) -> None:
    """Put a card on the account of a person whom you have before you."""
    with refusals():
        sealer, named = Sealer(config.load().identity_key), handles.normal(number, library_id)
        with _database().transaction() as session:
            cards.bind(session, sealer, SYSTEM, named, account_id)
        result = {"account": account_id, "card": named.mask}
        show(result, as_json, lambda: iter([f"{named.mask} is on {account_id} now."]))


@card.command()
@click.argument("number")
@_library
@json_option
def detach(number: str, library_id: str, as_json: bool) -> None:
    """Take a card off its account; one that nobody claimed goes with the account."""
    with refusals():
        sealer, named = Sealer(config.load().identity_key), handles.normal(number, library_id)
        with _database().transaction() as session:
            cards.take_off_by_command(session, sealer, SYSTEM, named)
        show({"card": named.mask}, as_json, lambda: iter([f"{named.mask} is nobody's now."]))


@card.command()
@click.argument("number")
@_library
@json_option
def slip(number: str, library_id: str, as_json: bool) -> None:
    """Print a code by which its reader claims the card, within ninety days."""
    with refusals():
        sealer, named = Sealer(config.load().identity_key), handles.normal(number, library_id)
        with _database().transaction() as session:
            code, until = cards.slip_by_command(session, sealer, SYSTEM, named)
        result = {"card": named.mask, "code": code, "until": rfc3339(until)}
        show(result, as_json, lambda: iter([f"{code}  ({named.mask}, until {until:%Y-%m-%d})"]))


def _database() -> Database:
    return Database(config.load().database_url)
