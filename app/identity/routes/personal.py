"""The endpoints of one's own account, and what they are wired with."""

from __future__ import annotations

from flask import Flask

from app.adapters import Adapters
from app.config import Settings
from app.cursors import Cursors
from app.identity.routes import visits
from app.identity.routes.accounts import accounts
from app.identity.routes.claims import claims, own_cards
from app.identity.routes.consents import consents, documents
from app.identity.routes.device_passwords import device_passwords
from app.identity.routes.exports import exports
from app.identity.routes.family import family
from app.identity.routes.kosync import kosync
from app.identity.routes.me import me
from app.identity.routes.merging import merging
from app.identity.routes.passkeys import passkeys
from app.identity.routes.sessions import sessions
from app.identity.routes.verification import verification
from app.identity.services.ceremonies import Ceremonies
from app.identity.services.claiming import Claims
from app.identity.services.entering import Entrance
from app.identity.services.family import Family
from app.identity.services.identifying import Identifying
from app.identity.services.limits import Limiter
from app.web import api, forms
from app.web.forms import Forms

PERSONAL = (
    sessions,
    accounts,
    me,
    device_passwords,
    exports,
    merging,
    passkeys,
    kosync,
    verification,
    claims,
    own_cards,
    documents,
    consents,
    family,
)


def open_entrance(app: Flask, settings: Settings, adapters: Adapters, limiter: Limiter) -> Entrance:
    """Gives endpoints and pages the door, forms, and the cookies of both; answers the door."""
    cursors = Cursors(settings.secret_keys)
    entrance = Entrance(adapters.database, limiter, adapters.sealer, cursors)
    api.provide(app, Entrance, entrance)
    api.provide(app, Claims, Claims(entrance))
    api.provide(app, Ceremonies, Ceremonies(entrance))
    counter = Identifying(adapters.database, limiter, adapters.sealer, adapters.verifier)
    api.provide(app, Identifying, counter)
    api.provide(app, Family, Family(entrance))
    api.provide(app, Forms, Forms(cursors, settings.public_url))
    # TLS may end at a proxy: what the reader's browser speaks stands in the settings.
    is_secure = (settings.public_url or "").startswith("https:")
    forms.install(app, is_secure=is_secure)
    visits.install(app, adapters.database, is_secure=is_secure, read_only=settings.read_only)
    return entrance
