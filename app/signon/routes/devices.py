"""Where apps on devices without a keyboard ask to be let in (RFC 8628 §3.1)."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from app.database import Database
from app.identity.services.audit import Actor
from app.identity.services.limits import Limiter
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.signon.routes.oauth import answer, question, too_many
from app.signon.services.device_grant import DeviceEndpoint
from app.signon.services.provider import Provider, Reply
from app.signon.services.tokens import Tokens
from app.web.api import Endpoints

devices = Endpoints("signon.devices", "/oauth2")


@devices.post("/device_authorization", Permission.PUBLIC, json=False)
def ask(
    database: Database, limiter: Limiter, sealer: Sealer, tokens: Tokens, caller: Caller
) -> Response:
    """Ask for a code that a person is to enter elsewhere."""
    actor, asked = Actor(None, caller.address, caller.request_id), question()
    if (refused := too_many(limiter, caller, "device-requests")) is not None:
        return refused

    def begin(session: Session) -> Reply:
        provider = Provider(session, actor, tokens)
        provider.register_endpoint(DeviceEndpoint(provider, sealer, tokens.issuer))
        return provider.endpoint(DeviceEndpoint.ENDPOINT_NAME, asked)

    return answer(database.run(begin))
