"""Looking after clients: by the staff of their library and those above, or by command.

Whom people trust unasked is for who approves libraries to say, and such a client is theirs to
change: another address of it would be sent codes that nobody was asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import (
    ConflictError,
    Fault,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleError,
)
from app.identity import accounts, scope, tree
from app.identity.models import Library
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.identity.wording import line
from app.permissions import Permission
from app.signon import addresses
from app.signon.models import Client, ClientOrigin
from app.signon.schemas import KINDS, CasSettings, ClientSettings, OidcSettings, Scope

MANAGE = Permission.MANAGE_LIBRARIES
LONGEST_NAME = 60
MOST = 500
"""Clients of one library."""
_TOLD_BY_CAS = frozenset({Scope.PROFILE, Scope.PHONE, Scope.EMAIL})


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks after clients, and where: by their libraries, or by approving libraries."""

    actor: Actor
    manages: Sequence[str]
    approves: Sequence[str]


COMMAND = Keeper(audit.SYSTEM, scope.EVERYWHERE, scope.EVERYWHERE)


def add(
    session: Session,
    by: Keeper,
    library_id: str,
    name: str,
    settings: ClientSettings,
    *,
    is_public: bool = False,
) -> tuple[Client, str | None]:
    """A client of a library, and its secret, which is shown this once.

    ``is_public`` is an app that cannot keep one; a CAS service has none either.

    :raises NotFoundError: for the library. :raises ForbiddenError: outside the reach.
    :raises InvalidError: for what cannot be. :raises ConflictError: for another's address.
    """
    library = tree.locked(session, library_id)
    authority.require(by.manages, MANAGE, library)
    _require_settings(by, library, settings)
    held = select(Client.id).where(Client.library_id == library.id).limit(MOST)
    if len(session.scalars(held).all()) >= MOST:
        raise ConflictError(f"{library.name} has {MOST} clients, and cannot have more.")
    secret = None if is_public or isinstance(settings, CasSettings) else _secret()
    row = Client(
        id=random_id(),
        protocol="cas" if isinstance(settings, CasSettings) else "oidc",
        name=line(name, "name", LONGEST_NAME),
        library_id=library.id,
        settings=msgspec.json.encode(settings),
        secret=accounts.digest(secret) if secret else None,
        version=1,
        added_at=now(),
    )
    session.add(row)
    session.flush()
    _place(session, by, row, settings)
    _note(session, by, "client.added", row)
    return row, secret


def get(session: Session, by: Keeper, client_id: str) -> Client:
    """The client.

    :raises NotFoundError: when there is none, or none within the reach.
    """
    row, library = _found(session, client_id)
    if not scope.covers(by.manages, library.path):
        raise NotFoundError("client", client_id)
    return row


def edit(
    session: Session,
    by: Keeper,
    client_id: str,
    version: int | None,
    name: str | None = None,
    settings: ClientSettings | None = None,
) -> Client:
    """Another name, or other settings as a whole.

    :raises NotFoundError, ForbiddenError, InvalidError, ConflictError: as :func:`add`.
    :raises StaleError: when it is at another version.
    """
    row, library = _held(session, by, client_id, version)
    if name is not None:
        row.name = line(name, "name", LONGEST_NAME)
    if settings is not None:
        if not isinstance(settings, KINDS[row.protocol]):
            raise InvalidError(Fault(row.protocol, "missing", "the settings of its protocol"))
        _require_settings(by, library, settings)
        row.settings = msgspec.json.encode(settings)
        _place(session, by, row, settings)
    row.version += 1
    _note(session, by, "client.changed", row)
    return row


def new_secret(
    session: Session, by: Keeper, client_id: str, version: int | None
) -> tuple[Client, str]:
    """Another secret, which is shown this once; the one before ends at once.

    :raises ConflictError: for a client that has none. Else as :func:`edit`.
    """
    row, _library = _held(session, by, client_id, version)
    if row.secret is None:
        raise ConflictError("This client proves itself without a secret.")
    secret = _secret()
    row.secret = accounts.digest(secret)
    row.version += 1
    _note(session, by, "client.secret-changed", row)
    return row, secret


def suspend(
    session: Session, by: Keeper, client_id: str, version: int | None, *, suspended: bool
) -> Client:
    """Nobody signs on to it, and no token of it works, until that is ended.

    :raises NotFoundError, ForbiddenError, StaleError: as :func:`edit`.
    """
    row, _library = _held(session, by, client_id, version)
    if (row.suspended_at is not None) != suspended:
        row.suspended_at = now() if suspended else None
        row.version += 1
        _note(session, by, "client.suspended" if suspended else "client.resumed", row)
    return row


def settings_of(row: Client) -> ClientSettings:
    """What its protocol needs to know of it."""
    return msgspec.json.decode(row.settings, type=KINDS[row.protocol])


def _found(session: Session, client_id: str, *, locked: bool = False) -> tuple[Client, Library]:
    row = session.get(Client, client_id, with_for_update=locked, populate_existing=locked)
    if row is None:
        raise NotFoundError("client", client_id)
    return row, tree.get(session, row.library_id)


def _held(
    session: Session, by: Keeper, client_id: str, version: int | None
) -> tuple[Client, Library]:
    """The client as it stands until the transaction ends, for who may change it."""
    row, library = _found(session, client_id, locked=True)
    if not scope.covers(by.manages, library.path):
        raise NotFoundError("client", client_id)
    if settings_of(row).is_trusted:
        _require_approval(by, library)
    if version is not None and version != row.version:
        raise StaleError("client", client_id, row.version)
    return row, library


def _require_approval(by: Keeper, library: Library) -> None:
    if not scope.covers(by.approves, library.path):
        message = "Only who approves libraries decides about systems that are trusted."
        raise ForbiddenError(Permission.APPROVE_LIBRARIES, message)


def _require_settings(by: Keeper, library: Library, settings: ClientSettings) -> None:
    """That every address is one that may be, and the rest goes together."""
    if settings.is_trusted:
        _require_approval(by, library)
    if isinstance(settings, OidcSettings):
        for number, one in enumerate(settings.redirect_uris):
            addresses.require_redirect(one, f"redirect_uris[{number}]")
        for number, one in enumerate(settings.post_logout_redirect_uris):
            addresses.require_redirect(one, f"post_logout_redirect_uris[{number}]")
        if settings.backchannel_logout_uri is not None:
            addresses.require_web(settings.backchannel_logout_uri, "backchannel_logout_uri")
        return
    if beyond := sorted(set(settings.scopes) - _TOLD_BY_CAS):
        raise InvalidError(Fault("scopes", "unknown", f"not of CAS: {', '.join(beyond)}"))
    for number, one in enumerate(settings.services):
        addresses.require_web(one, f"services[{number}]")
    for number, one in enumerate(settings.proxies):
        addresses.require_web(one, f"proxies[{number}]")
    if settings.proxy_callback is not None:
        addresses.require_web(settings.proxy_callback, "proxy_callback")
    if settings.may_proxy and settings.proxy_callback is None:
        raise InvalidError(Fault("proxy_callback", "missing", "where its tickets are sent"))


def _place(session: Session, by: Keeper, row: Client, settings: ClientSettings) -> None:
    """Has a CAS service be found by where it is.

    :raises ConflictError: when another library's service is there, which the keeper has no say in.
    """
    if isinstance(settings, OidcSettings):
        return
    origins = {origin for one in settings.services if (origin := addresses.origin(one))}
    others = (
        select(Library.path)
        .join(Client, Client.library_id == Library.id)
        .join(ClientOrigin, ClientOrigin.client_id == Client.id)
        .where(ClientOrigin.origin.in_(origins), Client.id != row.id)
    )
    if not all(scope.covers(by.manages, path) for path in session.scalars(others)):
        raise ConflictError("A system of another library is at this address.")
    session.execute(delete(ClientOrigin).where(ClientOrigin.client_id == row.id))
    session.add_all(ClientOrigin(origin=one, client_id=row.id) for one in sorted(origins))
    session.flush()


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _note(session: Session, by: Keeper, action: str, row: Client) -> None:
    audit.note(session, by.actor, action, f"client:{row.id}", row.library_id, protocol=row.protocol)
