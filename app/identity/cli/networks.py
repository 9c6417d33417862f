"""``kaijuan library networks``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from sqlalchemy.orm import Session

from app.identity import tree
from app.identity.cli.libraries import Open, show_report
from app.identity.models import LibraryNetwork
from app.identity.queries import networks as queries
from app.identity.scope import EVERYWHERE
from app.identity.services import networks as services
from app.identity.services.audit import SYSTEM
from app.identity.services.networks import Link
from app.terminal import json_option, refusals, show


class NetworkLine(msgspec.Struct, frozen=True):
    """A network of a library."""

    id: str
    library: str
    cidr: str
    link: str
    label: str


@click.group()
def networks() -> None:
    """The networks from which readers of a library come."""


@networks.command("list")
@click.argument("library_id")
@json_option
@click.pass_obj
def list_networks(database: Open, library_id: str, as_json: bool) -> None:
    """List the networks of a library."""
    with refusals():
        with database().transaction(writes=False) as session:
            rows = [_line(row) for row in queries.listed(session, _known(session, library_id))]
        show(rows, as_json, lambda: (_said(row) for row in rows))


@networks.command("add")
@click.argument("library_id")
@click.argument("cidr")
@click.option("--link", type=click.Choice([link.value for link in Link]), required=True)
@click.option("--label", default="")
@json_option
@click.pass_obj
def add_network(
    database: Open, library_id: str, cidr: str, link: str, label: str, as_json: bool
) -> None:
    """Say that the addresses of CIDR are a library's."""
    with refusals():
        with database().transaction() as session:
            made = services.add(session, SYSTEM, EVERYWHERE, library_id, cidr, link, label)
            row = _line(made)
        show(row, as_json, lambda: iter([_said(row)]))


@networks.command("remove")
@click.argument("library_id")
@click.argument("network_id")
@json_option
@click.pass_obj
def remove_network(database: Open, library_id: str, network_id: str, as_json: bool) -> None:
    """Take a network back, named by the id that `networks list` shows."""
    with refusals():
        with database().transaction() as session:
            services.remove(session, SYSTEM, EVERYWHERE, library_id, network_id)
        result = {"network": network_id, "removed": True}
        show(result, as_json, lambda: iter([f"{network_id} is no network of {library_id} now."]))


@networks.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def import_networks(database: Open, file: Path, as_json: bool) -> None:
    """Import networks from FILE: CSV with the columns library, cidr, link and label."""
    with refusals():
        with database().transaction() as session:
            report = services.import_file(session, SYSTEM, file)
        show_report(report, "networks", as_json)
    raise SystemExit(1 if report.refused else 0)


def _known(session: Session, library_id: str) -> str:
    return tree.get(session, library_id).id


def _line(row: LibraryNetwork) -> NetworkLine:
    return NetworkLine(row.id, row.library_id, row.cidr, row.link, row.label)


def _said(row: NetworkLine) -> str:
    return f"{row.id}  {row.cidr:24} {row.link:9} {row.label}".rstrip()
