"""``kaijuan client``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from app import config
from app.database import Database, rfc3339
from app.errors import Fault, InvalidError
from app.identity import tree
from app.identity.scope import EVERYWHERE
from app.signon.models import Client
from app.signon.queries import clients as queries
from app.signon.schemas import KINDS, ClientSettings, Protocol
from app.signon.services import keeping
from app.terminal import json_option, refusals, show

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class ClientLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client; its secret only when it was made just now."""

    id: str
    protocol: str
    name: str
    library: str
    public: bool
    added: str
    suspended: str | None
    settings: ClientSettings
    secret: str | None = None


@click.group()
def client() -> None:
    """Systems that people sign on to with their account here."""


@client.command("add")
@click.argument("name")
@click.argument("settings", type=FILE)
@click.option("--protocol", type=click.Choice([one.value for one in Protocol]), default="oidc")
@click.option("--library", "library_id", help="Whose system it is.")
@click.option("--public", is_flag=True, help="An app that cannot keep a secret.")
@json_option
def add_client(
    name: str, settings: Path, protocol: str, library_id: str | None, public: bool, as_json: bool
) -> None:
    """Register a system NAME with its SETTINGS, a JSON file; prints its secret once."""
    with refusals():
        told = _read(settings, protocol)
        with _database().transaction() as session:
            owner = library_id or tree.default(session).id
            row, secret = keeping.add(session, keeping.COMMAND, owner, name, told, is_public=public)
            result = _line(row, secret)
        show(result, as_json, lambda: iter(_said(result)))


@client.command("list")
@json_option
def list_clients(as_json: bool) -> None:
    """List the systems."""
    with refusals():
        with _database().transaction(writes=False) as session:
            rows = [_line(row) for row in queries.listed(session, EVERYWHERE, limit=100_000)]
        show(rows, as_json, lambda: (_said(row)[0] for row in rows))


@client.command("show")
@click.argument("client_id")
@json_option
def show_client(client_id: str, as_json: bool) -> None:
    """Show a system with its settings."""
    with refusals():
        with _database().transaction(writes=False) as session:
            result = _line(keeping.get(session, keeping.COMMAND, client_id))
        shown = msgspec.json.format(msgspec.json.encode(result.settings)).decode()
        show(result, as_json, lambda: iter([*_said(result), shown]))


@client.command("edit")
@click.argument("client_id")
@click.option("--name")
@click.option("--settings", type=FILE, help="A JSON file: the settings as a whole.")
@json_option
def edit_client(client_id: str, name: str | None, settings: Path | None, as_json: bool) -> None:
    """Change a system's name or settings."""
    with refusals():
        with _database().transaction() as session:
            protocol = keeping.get(session, keeping.COMMAND, client_id).protocol
            told = _read(settings, protocol) if settings else None
            row = keeping.edit(session, keeping.COMMAND, client_id, None, name, told)
            result = _line(row)
        show(result, as_json, lambda: iter(_said(result)))


@client.command("secret")
@click.argument("client_id")
@json_option
def new_secret(client_id: str, as_json: bool) -> None:
    """Print another secret, once; the one before ends at once."""
    with refusals():
        with _database().transaction() as session:
            result = _line(*keeping.new_secret(session, keeping.COMMAND, client_id, None))
        show(result, as_json, lambda: iter(_said(result)))


@client.command("suspend")
@click.argument("client_id")
@click.option("--resume", is_flag=True, help="Let it go on.")
@json_option
def suspend_client(client_id: str, resume: bool, as_json: bool) -> None:
    """Let nobody sign on to a system; its tokens work no longer."""
    with refusals():
        with _database().transaction() as session:
            row = keeping.suspend(session, keeping.COMMAND, client_id, None, suspended=not resume)
            result = _line(row)
        show(result, as_json, lambda: iter(_said(result)))


def _database() -> Database:
    return Database(config.load().database_url)


def _read(path: Path, protocol: str) -> ClientSettings:
    try:
        return msgspec.json.decode(path.read_bytes(), type=KINDS[protocol])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(Fault(path.name, "invalid", str(error))) from error


def _line(row: Client, secret: str | None = None) -> ClientLine:
    return ClientLine(
        id=row.id,
        protocol=row.protocol,
        name=row.name,
        library=row.library_id,
        public=row.secret is None,
        added=rfc3339(row.added_at),
        suspended=rfc3339(row.suspended_at) if row.suspended_at else None,
        settings=keeping.settings_of(row),
        secret=secret,
    )


def _said(row: ClientLine) -> list[str]:
    state = f" suspended {row.suspended}" if row.suspended else ""
    lines = [f"{row.id}  {row.protocol:5} {row.name} ({row.library}){state}"]
    return [*lines, f"Its secret, shown this once: {row.secret}"] if row.secret else lines
