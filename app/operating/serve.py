"""``kaijuan serve`` and ``kaijuan worker``."""

from __future__ import annotations

from typing import cast

import click
from sqlalchemy import select

from app import background, config, revision
from app.adapters import Adapters, open_adapters
from app.catalog.cli.indexing import rebuild
from app.catalog.services import healing
from app.config import SettingError, Settings
from app.database import Database
from app.errors import ConflictError
from app.identity import accounts, tree
from app.identity.models import Account
from app.identity.roles import Role
from app.identity.services import staff
from app.operating.demo import load_when_empty
from app.operating.schema import upgrade
from app.serving import serve as supervise
from app.terminal import refusals
from app.web import logs
from search.alias import AliasedIndex
from search.index import IndexOutdatedError, SearchError


@click.command()
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, show_envvar=True)
@click.option(
    "--port",
    envvar="PORT",
    type=click.IntRange(1, 65_535),
    default=8000,
    show_default=True,
    show_envvar=True,
)
@click.option("--workers", default=2, show_default=True, help="Web processes.")
@click.option("--threads", default=8, show_default=True, help="Threads of each.")
@click.option("--demo", is_flag=True, help="Load the demonstration library when there is nothing.")
def serve(host: str, port: int, workers: int, threads: int, demo: bool) -> None:
    """Serve the library, with a worker beside it, until SIGTERM."""
    with refusals():
        settings = config.load()
        _prepare(settings)
        if demo:
            load_when_empty(settings)
        link = _first_administrator(settings)
        base = settings.public_url or f"http://{host}:{port}"
        code = supervise(
            host,
            port,
            settings.data_dir,
            announce=lambda: _announce(base, link),
            workers=workers,
            threads=threads,
        )
    raise SystemExit(code)


@click.command()
def worker() -> None:
    """Work in the background until SIGTERM: jobs, indexing, statistics."""
    with refusals():
        settings = config.load()
        logs.configure(settings.log_level)
        background.worker(settings, open_adapters(settings)).run_until_signal()


def _prepare(settings: Settings) -> None:
    """The embedded database is made and kept up by serving; a server's by ``kaijuan migrate``.

    One of a later release is served as it is: that is how one goes back.
    """
    database = Database(settings.database_url)
    try:
        with database.transaction(writes=False) as session:
            revision.require(session)
    except revision.SchemaError as error:
        if not database.is_sqlite:
            shown = database.url.render_as_string()
            raise SettingError("KAIJUAN_DATABASE_URL", shown, str(error)) from error
        upgrade(database)
    renew_index(settings)


def renew_index(settings: Settings) -> None:
    """An index of another release cannot be read: it is built anew before anybody searches.

    Where that cannot be done now, or another machine is at it, all else is served.
    """
    adapters = open_adapters(settings)
    try:
        _renew(adapters)
    except (SearchError, ConflictError) as error:
        click.echo(f"Serving without search for now: {error}", err=True)
    finally:
        adapters.index.close()
        adapters.database.close()


def _renew(adapters: Adapters) -> None:
    try:
        healing.judge(adapters.database, cast(AliasedIndex, adapters.index))
        adapters.index.count()
    except IndexOutdatedError as error:
        click.echo(f"Building the search index anew: {error}", err=True)
        rebuild(adapters)


def _first_administrator(settings: Settings) -> str | None:
    """On a first start, the secret of a link that makes its user the administrator, once."""
    with Database(settings.database_url).transaction() as session:
        if session.scalar(select(Account.id).where(Account.kind == "person").limit(1)):
            return None
        account = accounts.add_account(session, "管理员")
        root = tree.default(session)
        staff.give_by_command(session, account.id, Role.ADMINISTRATOR, root.id)
        return accounts.issue(session, account.id, "link", life=accounts.LINK_LIFE)


def _announce(base: str, link: str | None) -> None:
    click.echo(f"\n  开卷 Kaijuan: {base}/\n  API:          {base}/api/docs")
    if link:
        click.echo(f"  Administrator (once, within a day): {base}/sign-in#{link}")
    click.echo("  Stop with Ctrl-C.\n")
