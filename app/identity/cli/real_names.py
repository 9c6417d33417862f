"""``kaijuan user verification``: how it stands with an account, and taking it away."""

from __future__ import annotations

import click
import msgspec
from sqlalchemy.orm import Session

from app import config
from app.database import Database, rfc3339
from app.errors import NotFoundError
from app.identity.models import Account, Identity
from app.identity.services import real_names
from app.identity.services.audit import SYSTEM
from app.terminal import json_option, refusals, show

REASONS = ("fraud", "mistake", "request")


class Shown(msgspec.Struct, frozen=True):
    """How it stands: never a number, nor a name."""

    account: str
    level: int
    state: str
    reason: str
    method: str
    mask: str
    key_version: int | None
    at: str | None


@click.group()
def verification() -> None:
    """Real names: how it stands with an account; take one away."""


@verification.command("show")
@click.argument("account_id")
@json_option
def show_verification(account_id: str, as_json: bool) -> None:
    """Show how it stands with an account."""
    with refusals():
        with Database(config.load().database_url).transaction(writes=False) as session:
            found = _shown(session, account_id)
        fields = msgspec.to_builtins(found)
        show(found, as_json, lambda: (f"{name}: {value}" for name, value in fields.items()))


@verification.command()
@click.argument("account_id")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@json_option
def revoke(account_id: str, reason: str, as_json: bool) -> None:
    """Take a verified real name away; the person may be verified anew, with any account."""
    with refusals():
        with Database(config.load().database_url).transaction() as session:
            _account(session, account_id)
            if not real_names.withdraw(session, SYSTEM, account_id, "real-name.revoked", reason):
                raise NotFoundError("verification", account_id)
        result = {"account": account_id, "revoked": True}
        show(result, as_json, lambda: iter([f"The real name of {account_id} counts no longer."]))


@verification.command()
@json_option
def count(as_json: bool) -> None:
    """Count the askings in each state: what waits shows that the service is away."""
    with refusals():
        with Database(config.load().database_url).transaction(writes=False) as session:
            found = real_names.count(session)
        lines = (f"{state}: {number}" for state, number in sorted(found.items()))
        show(found, as_json, lambda: lines)


def _account(session: Session, account_id: str) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise NotFoundError("account", account_id)
    return account


def _shown(session: Session, account_id: str) -> Shown:
    level = _account(session, account_id).assurance
    kept, last = session.get(Identity, account_id), real_names.last(session, account_id)
    if kept is not None:
        about = (kept.method, kept.mask, kept.key_version, rfc3339(kept.verified_at))
        return Shown(account_id, level, "verified", "", *about)
    if last is None:
        return Shown(account_id, level, "none", "", "", "", None, None)
    at = rfc3339(last.ended_at or last.made_at)
    state = "none" if last.state == "verified" else last.state
    return Shown(account_id, level, state, last.reason, last.method, last.mask, None, at)
