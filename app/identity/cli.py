"""``kaijuan library``, ``user``, ``token`` and ``import libraries``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from app import config
from app.database import Database
from app.identity import accounts, tending, tree
from app.identity.models import LEVELS
from app.identity.network import import_network
from app.identity.roles import Role
from app.terminal import json_option, refusals, show


def _database() -> Database:
    return Database(config.load().database_url)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def libraries(file: Path, as_json: bool) -> None:
    """Import the network's libraries from FILE.

    JSON: a list of {"id", "name", "level", "parent", "code"}.
    """
    with refusals():
        with _database().transaction() as session:
            report = import_network(session, file)
        line = (
            f"{report.read:,} libraries: {report.added:,} added, {report.changed:,} changed, "
            f"{report.unchanged:,} unchanged, {report.refused:,} refused."
        )
        lines = [line, *(f"  {x.place}: {x.message}" for x in report.problems[:50])]
        show(report, as_json, lambda: iter(lines))
    raise SystemExit(1 if report.refused else 0)


@click.group()
def library() -> None:
    """The libraries of the network."""


@library.command("add")
@click.argument("library_id")
@click.argument("name")
@click.option("--level", type=click.Choice(LEVELS), default="special")
@click.option("--parent", help="The library above it.")
@json_option
def add_library(library_id: str, name: str, level: str, parent: str | None, as_json: bool) -> None:
    """Add a library below another."""
    with refusals():
        with _database().transaction() as session:
            row = tree.line(tree.add(session, library_id, name, level, parent))
        show(row, as_json, lambda: iter([f"{row.id} {row.name} ({row.level})"]))


@library.command("list")
@click.option("--parent", help="Those directly below this one; the roots without it.")
@json_option
def list_libraries(parent: str | None, as_json: bool) -> None:
    """List the libraries directly below one."""
    with refusals():
        with _database().transaction(writes=False) as session:
            rows = tree.children(session, parent, None, 10_000)
        show(rows, as_json, lambda: (f"{row.id:20} {row.level:10} {row.name}" for row in rows))


@click.group()
def user() -> None:
    """Accounts of people."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--library", "library_id", help="The library the role is for, and those below.")
@click.option("--email")
@json_option
def add_user(
    name: str, role: str, library_id: str | None, email: str | None, as_json: bool
) -> None:
    """Add an account and print a link that signs it in once, within a day."""
    with refusals():
        settings = config.load()
        with _database().transaction() as session:
            owner = library_id or tree.default(session).id
            account = accounts.add_account(session, name, email=email)
            accounts.grant(session, account.id, role, owner)
            secret = accounts.issue(session, account.id, "link", life=accounts.LINK_LIFE)
            account_id = account.id
        _show_link(account_id, secret, settings.public_url, as_json)


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the accounts with their roles."""
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
@json_option
def link_user(account_id: str, as_json: bool) -> None:
    """Print a new link that signs the account in once, within a day."""
    with refusals():
        settings = config.load()
        with _database().transaction() as session:
            secret = tending.link(session, account_id)
        _show_link(account_id, secret, settings.public_url, as_json)


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
            accounts.grant(session, account.id, role, owner)
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
