"""``kaijuan provider``: the sign-on of libraries, through which their readers come in."""

from __future__ import annotations

import sys

import click
import msgspec

from app import config
from app.config import Settings
from app.database import Database, rfc3339
from app.identity.scope import EVERYWHERE
from app.identity.services.audit import SYSTEM
from app.outgoing.http import HttpWeb
from app.sealing import Sealer
from app.signon.issuing import LOCAL
from app.signon.models import Provider
from app.signon.schemas import Vouching
from app.signon.services import providers as services
from app.signon.services.arriving import callback
from app.signon.services.believing import Issuers
from app.signon.services.checking import check
from app.signon.services.providers import NewProvider
from app.terminal import json_option, refusals, show


class ProviderLine(msgspec.Struct, frozen=True):
    """A provider; ``callback`` is the address to register there."""

    id: str
    library: str
    protocol: str
    name: str
    address: str
    assurance: int
    suspended_at: str | None
    callback: str


@click.group()
def provider() -> None:
    """The sign-on of libraries, through which their readers come in."""


@provider.command("add")
@click.argument("library_id")
@click.argument("name")
@click.argument("address")
@click.option("--protocol", type=click.Choice([one.value for one in Vouching]), default="oidc")
@click.option("--client-id", default="", help="By which the provider knows us; WeChat's AppID.")
@click.option("--secret-stdin", is_flag=True, help="Read the client's secret from standard input.")
@click.option("--assurance", type=click.IntRange(0, services.TRUSTED), default=0)
@json_option
def add_provider(
    library_id: str,
    name: str,
    address: str,
    protocol: str,
    client_id: str,
    secret_stdin: bool,
    assurance: int,
    as_json: bool,
) -> None:
    """Have readers of a library come in through its sign-on at ADDRESS.

    ADDRESS is the issuer of an OpenID Connect provider, or where the addresses of a CAS server
    begin. WeChat is the topmost library's, at https://api.weixin.qq.com or a gateway of your own.
    """
    with refusals():
        settings = config.load()
        secret = sys.stdin.readline().strip() if secret_stdin else None
        new = NewProvider(Vouching(protocol), name, address, client_id, secret, assurance)
        with _database(settings).transaction() as session:
            sealer = Sealer(settings.identity_key)
            row = _line(
                settings, services.add(session, sealer, SYSTEM, EVERYWHERE, library_id, new)
            )
        show(row, as_json, lambda: iter([_said(row), f"Register there: {row.callback}"]))


@provider.command("list")
@click.argument("library_id")
@json_option
def list_providers(library_id: str, as_json: bool) -> None:
    """List the providers of a library."""
    with refusals():
        settings = config.load()
        with _database(settings).transaction(writes=False) as session:
            found = services.of_library(session, EVERYWHERE, library_id)
            rows = [_line(settings, row) for row in found]
        show(rows, as_json, lambda: (_said(row) for row in rows))


@provider.command("show")
@click.argument("provider_id")
@json_option
def show_provider(provider_id: str, as_json: bool) -> None:
    """Show a provider, with the address to register there."""
    with refusals():
        settings = config.load()
        with _database(settings).transaction(writes=False) as session:
            row = _line(settings, services.get(session, EVERYWHERE, provider_id))
        show(row, as_json, lambda: iter([_said(row), f"Register there: {row.callback}"]))


@provider.command("secret")
@click.argument("provider_id")
@json_option
def renew_secret(provider_id: str, as_json: bool) -> None:
    """Keep another secret, read from standard input; nothing there is none."""
    with refusals():
        settings = config.load()
        secret = sys.stdin.readline().strip() or None
        with _database(settings).transaction() as session:
            sealer = Sealer(settings.identity_key)
            about = (SYSTEM, EVERYWHERE, provider_id, secret)
            row = _line(settings, services.renew_secret(session, sealer, *about))
        show(row, as_json, lambda: iter([_said(row)]))


@provider.command("suspend")
@click.argument("provider_id")
@click.option("--off", is_flag=True, help="Take people in from there again.")
@json_option
def suspend_provider(provider_id: str, off: bool, as_json: bool) -> None:
    """Take nobody in from a provider any more; who is signed in stays so."""
    with refusals():
        settings = config.load()
        with _database(settings).transaction() as session:
            found = services.suspend(session, SYSTEM, EVERYWHERE, provider_id, is_on=not off)
            row = _line(settings, found)
        show(row, as_json, lambda: iter([_said(row)]))


@provider.command("test")
@click.argument("provider_id")
@json_option
def test_provider(provider_id: str, as_json: bool) -> None:
    """Ask a provider what a sign-in would ask it."""
    with refusals():
        settings = config.load()
        with _database(settings).transaction(writes=False) as session:
            row = services.get(session, EVERYWHERE, provider_id)
            known = services.opened(session, Sealer(settings.identity_key), row)
        base = settings.public_url or LOCAL
        web = HttpWeb(own_machine=not base.startswith("https:"))
        found = check(Issuers(web), web, known, callback(base, known.id))
        result = {"provider": provider_id, "works": True, "found": found}
        show(result, as_json, lambda: iter(["It works:", *(f"  {one}" for one in found)]))


def _database(settings: Settings) -> Database:
    return Database(settings.database_url)


def _line(settings: Settings, row: Provider) -> ProviderLine:
    return ProviderLine(
        id=row.id,
        library=row.library_id,
        protocol=row.protocol,
        name=row.name,
        address=row.address,
        assurance=row.assurance,
        suspended_at=rfc3339(row.suspended_at) if row.suspended_at else None,
        callback=callback(settings.public_url or LOCAL, row.id),
    )


def _said(row: ProviderLine) -> str:
    state = "suspended" if row.suspended_at else "open"
    return f"{row.id}  {row.protocol:6}  {state:9}  {row.library}  {row.name}  {row.address}"
