"""``kaijuan library``: the network's libraries, with the work that changing them sets off."""

from __future__ import annotations

import click

from app import background, config
from app.database import Database
from app.identity.cli.libraries import COMMANDS
from app.identity.cli.networks import networks


def open_database() -> Database:
    """The database of the settings, which knows what work there is, and what rings for it."""
    settings = config.load()
    database = Database(settings.database_url)
    background.connect_desk(settings, database)
    return database


@click.group()
@click.pass_context
def library(context: click.Context) -> None:
    """The libraries of the network."""
    context.obj = open_database


for command in (*COMMANDS, networks):
    library.add_command(command)
