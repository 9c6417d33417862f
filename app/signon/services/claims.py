"""What a client is told of a person: of each scope its claims, and nothing else."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.identity.handles import HandleKind
from app.identity.models import Library
from app.identity.services import attaching
from app.sealing import Sealer
from app.signon.schemas import Scope

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


class Described(Protocol):
    """Somebody who is signed on."""

    @property
    def account_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def home_id(self) -> str | None: ...
    @property
    def assurance(self) -> int: ...


def of(session: Session, sealer: Sealer, person: Described, scope: str) -> dict[str, Any]:
    """The claims of these scopes; what is not known is left out."""
    scopes = scope.split()
    told: dict[str, Any] = {"sub": person.account_id}
    if Scope.PROFILE in scopes:
        told |= {"name": person.name, "acr": acr(person)}
        if person.home_id:
            home = session.get_one(Library, person.home_id)
            told |= {"home_library": home.id, "home_library_name": home.name}
    for asked, (kind, name) in _REACHED_BY.items():
        if asked in scopes:
            found = attaching.first(session, sealer, person.account_id, kind)
            if found is not None:
                told |= {name: found[0], f"{name}_verified": found[1]}
    return told


def acr(person: Described) -> str:
    """How well the person is known, 0 to 3: the authentication context class."""
    return str(person.assurance)
