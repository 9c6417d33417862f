"""How the edge learns who calls; ``identity`` implements it, the factory wires it."""

from __future__ import annotations

from typing import Protocol

from flask import Request, g
from sqlalchemy.orm import Session

from app.permissions import Caller, DeviceScope, Permission

__all__ = ["Authenticate", "Caller", "Permission", "challenge", "expect"]

_BEARER = 'Bearer realm="Kaijuan"'
_CHALLENGES = {DeviceScope.OPDS: 'Basic realm="Kaijuan", charset="UTF-8"'}


class Authenticate(Protocol):
    """Finds out who sent a request."""

    def __call__(
        self, request: Request, session: Session, devices: DeviceScope | None = None
    ) -> Caller:
        """Who sent this request to an endpoint that takes device passwords of ``devices``.

        :raises UnauthenticatedError: when credentials are given that do not hold; none at all is
            fine.
        """


def expect(devices: DeviceScope | None) -> None:
    """Remembers what may be shown to the endpoint that answers: its refusals say so."""
    g.challenge = _CHALLENGES.get(devices, _BEARER) if devices else _BEARER


def challenge() -> str:
    """What an answer 401 asks for (RFC 9110 § 11.6.1, RFC 7617 § 2)."""
    return str(g.get("challenge", _BEARER))
