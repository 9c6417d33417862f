"""The application, put together. Every part is wired here and nowhere else."""

from __future__ import annotations

from flask import Flask

from app import background, config
from app.adapters import Adapters, open_adapters
from app.catalog.routes.feed import feed
from app.catalog.routes.imports import imports, jobs
from app.catalog.routes.kinds import GROUPS
from app.catalog.routes.records import records
from app.catalog.routes.search import search
from app.catalog.routes.subjects import subjects
from app.catalog.services.searches import SharedSearches
from app.config import Settings
from app.cursors import Cursors
from app.database import Database
from app.dialects import WEB
from app.identity.callers import authenticator
from app.identity.limiting import count_by, open_limiter
from app.identity.routes.network import NETWORK
from app.identity.routes.personal import PERSONAL, open_entrance
from app.identity.services.device_passwords import DeviceDoor
from app.identity.services.limits import Limiter
from app.pages.install import install as install_pages
from app.reader.install import install as install_reading
from app.readiness import checks_of
from app.scratch import Scratch
from app.sealing import Sealer
from app.signon.install import install as install_signing_on
from app.signon.issuing import open_tokens, reader_of
from app.usage.recorder import Recorder
from app.usage.spool import Spool
from app.web import api, health, logs, problems
from app.web.docs import docs
from search.index import SearchIndex


def create_app(
    settings: Settings | None = None, adapters: Adapters | None = None, *, threads: int = 8
) -> Flask:
    """The WSGI application on these settings (the environment's) and engines (theirs).

    A slow index holds at most three quarters of the ``threads`` that serve it.
    """
    settings = settings or config.load()
    asked = adapters or open_adapters(settings, WEB)
    adapters = asked.guarded(searches=max(1, threads * 3 // 4))
    bell = background.open_desk(settings, adapters)
    app = Flask("app", static_folder=None, template_folder=None)
    logs.configure(settings.log_level)
    logs.install(app)
    problems.install(app)
    health.install(app)
    limiter = open_limiter(settings, adapters)
    door = DeviceDoor(adapters.sealer, limiter)
    tokens = open_tokens(settings)
    known = authenticator(settings.trusted_proxies, door, reader_of(tokens), settings.public_url)
    api.install(app, adapters.database, known, count_by(limiter), read_only=settings.read_only)
    api.provide(app, Limiter, limiter)
    api.provide(app, Settings, settings)
    api.provide(app, Adapters, adapters)
    api.provide(app, Database, adapters.database)
    api.provide(app, Scratch, adapters.scratch)
    index = SharedSearches(adapters.index, adapters.cache)
    api.provide(app, SearchIndex, index)
    api.provide(app, Cursors, Cursors(settings.secret_keys))
    api.provide(app, health.Checks, checks_of(asked, bell))
    api.provide(app, Sealer, adapters.sealer)
    usage = Recorder(Spool(adapters.data_dir / "usage"), settings.secret_keys[0])
    api.provide(app, Recorder, usage)
    api.register(app, health.health, docs, *GROUPS.values())
    api.register(app, search, subjects, records, feed, imports, jobs, *PERSONAL)
    api.register(app, *NETWORK)
    install_reading(app, settings, adapters.database, usage)
    entrance = open_entrance(app, settings, adapters, limiter)
    install_signing_on(app, adapters, tokens, entrance)
    install_pages(app, settings, index)
    return app
