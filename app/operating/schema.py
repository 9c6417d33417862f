"""``kaijuan migrate``: the schema of this release."""

from __future__ import annotations

import click
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from app import config, revision
from app.catalog.services import feed
from app.database import Database
from app.dialects import MIGRATING
from app.terminal import json_option, refusals, show


def configuration(database: Database) -> Config:
    """Alembic's configuration for this database."""
    settings = Config()
    settings.set_main_option("script_location", str(revision.SCRIPTS))
    settings.attributes["database"] = database
    return settings


def upgrade(database: Database) -> None:
    """Brings the schema to this release; a schema that is there already is left alone.

    The feed of changes begins anew where the database was put back by other means than ours.
    """
    command.upgrade(configuration(database), "head")
    with database.transaction() as session:
        feed.settle(session)


def upgrade_to(wanted: str, database: Database, session: Session) -> None:
    """Brings an older or empty schema to a revision, in the caller's transaction."""
    settings = configuration(database)
    settings.attributes["session"] = session
    command.upgrade(settings, wanted)


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to this release; safe to repeat."""
    with refusals():
        database = Database(config.load().database_url, limits=MIGRATING)
        with database.transaction(writes=False) as session:
            before = revision.present(session)
        upgrade(database)
        with database.transaction(writes=False) as session:
            after = revision.present(session)
        result = {"before": before, "after": after}
        show(result, as_json, lambda: iter([f"The database is at {after} (was {before})."]))
