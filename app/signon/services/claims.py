"""What a client is told of a person: of each scope its claims, and nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.identity.handles import HandleKind
from app.identity.models import Library
from app.identity.services import attaching
from app.sealing import Sealer
from app.signon.schemas import Scope
from app.signon.services.authorizations import Standing

NAMES = {
    Scope.OPENID: ("sub",),
    Scope.PROFILE: ("name", "home_library", "home_library_name", "acr"),
    Scope.PHONE: ("phone_number", "phone_number_verified"),
    Scope.EMAIL: ("email", "email_verified"),
}
"""OpenID Connect Core 1.0 §5.1 and §5.4; the home library's are our own."""
_REACHED_BY = {
    Scope.PHONE: (HandleKind.PHONE, "phone_number"),
    Scope.EMAIL: (HandleKind.EMAIL, "email"),
}


def of(session: Session, sealer: Sealer, standing: Standing, scope: str) -> dict[str, Any]:
    """The claims of these scopes; what is not known is left out."""
    scopes = scope.split()
    told: dict[str, Any] = {"sub": standing.account_id}
    if Scope.PROFILE in scopes:
        told |= {"name": standing.name, "acr": acr(standing)}
        if standing.home_id:
            home = session.get_one(Library, standing.home_id)
            told |= {"home_library": home.id, "home_library_name": home.name}
    for asked, (kind, name) in _REACHED_BY.items():
        if asked in scopes:
            found = attaching.first(session, sealer, standing.account_id, kind)
            if found is not None:
                told |= {name: found[0], f"{name}_verified": found[1]}
    return told


def acr(standing: Standing) -> str:
    """How well the person is known, 0 to 3: the authentication context class."""
    return str(standing.assurance)
