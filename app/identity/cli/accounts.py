"""``kaijuan user`` and ``token``."""

from __future__ import annotations

from datetime import timedelta

import click

from app import config
from app.database import Database
from app.identity import accounts, handles, tree
from app.identity.cli.real_names import verification
from app.identity.roles import Role
from app.identity.services import attaching, homes, passkeys, second_factor, staff, tending
from app.identity.services.audit import SYSTEM
from app.sealing import Sealer
from app.terminal import json_option, refusals, show


def _database() -> Database:
    return Database(config.load().database_url)


@click.group()
def user() -> None:
    """Accounts of people."""


user.add_command(verification)


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--library", "library_id", help="The library the role is for, and those below.")
@click.option(
    "--handle", "--email", "handle", help="A phone number or e-mail address to sign in with."
)
@json_option
def add_user(
    name: str, role: str, library_id: str | None, handle: str | None, as_json: bool
) -> None:
    """Add an account and print a link that signs it in once, within a day."""
    with refusals():
        settings = config.load()
        with _database().transaction() as session:
            owner = library_id or tree.default(session).id
            account = accounts.add_account(session, name)
            if handle:
                sealer, known = Sealer(settings.identity_key), handles.normal(handle)
                attaching.attach(session, sealer, SYSTEM, account.id, known, verified=False)
            staff.give_by_command(session, account.id, role, owner)
            secret = accounts.issue(session, account.id, "link", life=accounts.LINK_LIFE)
            account_id = account.id
        _show_link(account_id, secret, settings.public_url, as_json)


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the accounts that have a role, also those that are closed."""
    with refusals():
        with _database().transaction(writes=False) as session:
            rows = tending.listed(session)
        lines = (
            f"{row.id} {row.kind:8} {row.name} {' '.join(row.roles)}"
            f"{f' closed {row.closed}' if row.closed else ''}"
            for row in rows
        )
        show(rows, as_json, lambda: lines)


@user.command("disable")
@click.argument("account_id")
@json_option
def disable_user(account_id: str, as_json: bool) -> None:
    """Close an account; its sessions and tokens end at once."""
    with refusals():
        with _database().transaction() as session:
            tending.disable(session, account_id)
        result = {"account": account_id, "closed": True}
        show(result, as_json, lambda: iter([f"{account_id} is closed."]))


@user.command("link")
@click.argument("account_id")
@click.option("--reset", is_flag=True, help="Take a lost second factor away, and passkeys.")
@json_option
def link_user(account_id: str, reset: bool, as_json: bool) -> None:
    """Print a new link that signs the account in once, within a day."""
    with refusals():
        settings = config.load()
        with _database().transaction() as session:
            if reset:
                second_factor.remove(session, SYSTEM, account_id)
                passkeys.remove_all(session, SYSTEM, account_id)
            secret = tending.link(session, account_id)
        _show_link(account_id, secret, settings.public_url, as_json)


@user.command()
@json_option
def recount(as_json: bool) -> None:
    """Count the readers of every library anew, where `doctor` finds the counts wrong."""
    with refusals():
        with _database().transaction() as session:
            mended = homes.recount(session)
        show({"mended": mended}, as_json, lambda: iter([f"{mended} counts were wrong."]))


def _show_link(account_id: str, secret: str, public_url: str | None, as_json: bool) -> None:
    base = public_url or "http://127.0.0.1:8000"
    result = {"account": account_id, "link": f"{base}/sign-in#{secret}"}
    show(result, as_json, lambda: iter([f"Sign in once, within a day: {result['link']}"]))


@click.group()
def token() -> None:
    """Tokens by which systems call the API."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--library", "library_id")
@click.option("--days", type=click.IntRange(1, 3650), default=365)
@json_option
def add_token(name: str, role: str, library_id: str | None, days: int, as_json: bool) -> None:
    """Add a service account and print its token; it is shown this once."""
    with refusals():
        with _database().transaction() as session:
            owner = library_id or tree.default(session).id
            account = accounts.add_account(session, name, kind="service")
            staff.give_by_command(session, account.id, role, owner)
            life = timedelta(days=days)
            secret = accounts.issue(session, account.id, "token", life=life, label=name)
        result = {"account": account.id, "token": secret}
        show(result, as_json, lambda: iter([secret]))


@token.command("list")
@json_option
def list_tokens(as_json: bool) -> None:
    """List the tokens: what they are for, and until when. The tokens themselves are not kept."""
    with refusals():
        with _database().transaction(writes=False) as session:
            rows = tending.tokens(session)
        lines = (f"{x.id} {x.label} ({x.account}) {x.made} – {x.expires}" for x in rows)
        show(rows, as_json, lambda: lines)


@token.command("revoke")
@click.argument("token_id")
@json_option
def revoke_token(token_id: str, as_json: bool) -> None:
    """End a token, named by the id that `token list` shows."""
    with refusals():
        with _database().transaction() as session:
            tending.revoke(session, token_id)
        result = {"token": token_id, "revoked": True}
        show(result, as_json, lambda: iter([f"{token_id} no longer works."]))
