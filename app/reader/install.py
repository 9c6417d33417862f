"""Wiring: the addresses of reading, and what they are handed."""

from __future__ import annotations

from flask import Flask

from app.config import Settings
from app.database import Database
from app.reader.routes.content import content
from app.reader.routes.opening import Places
from app.reader.routes.publications import publications
from app.reader.routes.uses import uses
from app.reader.services.grants import Grants
from app.usage.recorder import Recorder
from app.web import api


def install(app: Flask, settings: Settings, database: Database, usage: Recorder) -> None:
    """Adds what readers open, and the uses that they have of it."""
    api.provide(app, Grants, Grants(settings.secret_keys))
    api.provide(app, Places, Places(database, usage, settings.read_only))
    api.register(app, publications, content, uses)
