"""Wiring: the protocols by which people sign on to other systems."""

from __future__ import annotations

from flask import Flask

from app.adapters import Adapters
from app.identity.services.entering import Entrance
from app.signon.routes.approvals import approvals
from app.signon.routes.cas import cas
from app.signon.routes.clients import clients
from app.signon.routes.devices import devices
from app.signon.routes.discovery import discovery
from app.signon.routes.identities import identities
from app.signon.routes.oauth import oauth
from app.signon.routes.providers import providers
from app.signon.routes.sign_ons import mine
from app.signon.services.arriving import Arrivals
from app.signon.services.believing import Issuers
from app.signon.services.tokens import Tokens
from app.signon.services.validating import Validator
from app.web import api


def install(app: Flask, adapters: Adapters, tokens: Tokens, entrance: Entrance) -> None:
    """Adds what systems ask, with what it needs."""
    api.provide(app, Tokens, tokens)
    api.provide(app, Validator, Validator(adapters.database, adapters.web, adapters.sealer))
    web = adapters.web
    api.provide(app, Arrivals, Arrivals(entrance, Issuers(web), web, tokens.issuer))
    api.register(app, providers, identities)
    api.register(app, cas, devices, mine, discovery, oauth, clients, approvals)
