"""Wiring: the protocols by which people sign on to other systems."""

from __future__ import annotations

from flask import Flask

from app.adapters import Adapters
from app.signon.routes.cas import cas
from app.signon.routes.clients import clients
from app.signon.routes.devices import devices
from app.signon.routes.discovery import discovery
from app.signon.routes.oauth import oauth
from app.signon.routes.sign_ons import mine
from app.signon.services.tokens import Tokens
from app.signon.services.validating import Validator
from app.web import api


def install(app: Flask, adapters: Adapters, tokens: Tokens) -> None:
    """Adds what systems ask, with what it needs."""
    api.provide(app, Tokens, tokens)
    api.provide(app, Validator, Validator(adapters.database, adapters.web, adapters.sealer))
    api.register(app, cas, devices, mine, discovery, oauth, clients)
