"""The systems that people sign on to: looked up where they come, kept by their libraries."""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.identity import accounts
from app.identity.models import Library
from app.identity.queries.networks import WORKING
from app.signon import addresses
from app.signon.models import Client, ClientOrigin
from app.signon.schemas import CasSettings, OidcSettings

S = TypeVar("S", OidcSettings, CasSettings)


@dataclass(frozen=True, slots=True)
class KnownClient(Generic[S]):
    """A client that may be signed on to now."""

    id: str
    name: str
    library: str
    """The name of the library whose system it is."""
    settings: S
    secret: str | None = field(repr=False)

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 §2.1)."""
        return self.secret is None

    def has_secret(self, secret: str) -> bool:
        """Whether this is its secret."""
        return self.secret is not None and compare_digest(self.secret, accounts.digest(secret))


def oidc(session: Session, client_id: str) -> KnownClient[OidcSettings] | None:
    """The OpenID Connect client of this id, while neither it nor its library is suspended."""
    row = session.execute(_live("oidc").where(Client.id == client_id)).first()
    return _known(row[0], row[1], OidcSettings) if row else None


def cas(session: Session, client_id: str) -> KnownClient[CasSettings] | None:
    """The CAS service of this id, while neither it nor its library is suspended."""
    row = session.execute(_live("cas").where(Client.id == client_id)).first()
    return _known(row[0], row[1], CasSettings) if row else None


def of_service(session: Session, address: str) -> KnownClient[CasSettings] | None:
    """The CAS service that an address belongs to; of several the one that says most of it."""
    origin = addresses.origin(address)
    if origin is None:
        return None
    there = _live("cas").join(ClientOrigin, ClientOrigin.client_id == Client.id)
    found = [
        (len(registered), known)
        for row, library in session.execute(there.where(ClientOrigin.origin == origin))
        for known in (_known(row, library, CasSettings),)
        for registered in known.settings.services
        if addresses.is_below(address, registered)
    ]
    return max(found, key=lambda one: (one[0], one[1].id))[1] if found else None


def _live(protocol: str) -> Select[Client, str]:
    return (
        select(Client, Library.name)
        .join(Library, Library.id == Client.library_id)
        .where(
            Client.protocol == protocol,
            Client.suspended_at.is_(None),
            Library.state.in_(WORKING),
        )
    )


def _known(row: Client, library: str, kind: type[S]) -> KnownClient[S]:
    settings = msgspec.json.decode(row.settings, type=kind)
    return KnownClient(row.id, row.name, library, settings, row.secret)
