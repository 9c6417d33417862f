"""The systems that people sign on to, as the staff of their libraries look after them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from app.cursors import Cursors
from app.database import Database, from_micros, rfc3339, to_micros
from app.errors import Fault, InvalidError
from app.identity import scope, tree
from app.identity.schemas import LibraryId
from app.identity.services import authority
from app.identity.services.audit import actor_of
from app.permissions import Caller, Permission
from app.signon.models import Client
from app.signon.queries import clients as queries
from app.signon.schemas import CasSettings, ClientSettings, OidcSettings
from app.signon.services import keeping
from app.signon.services.keeping import Keeper
from app.web.api import Answer, Endpoints, IfMatch

clients = Endpoints("signon.clients", "/api/v1/clients")
MANAGE = Permission.MANAGE_LIBRARIES
ClientId = Annotated[str, Meta(min_length=1, max_length=32)]
Name = Annotated[str, Meta(min_length=1, max_length=keeping.LONGEST_NAME)]


class ClientsQuery(msgspec.Struct, frozen=True):
    """Which clients: those of one library and those below it, or all that you manage."""

    library: LibraryId | None = None
    cursor: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class NewClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system of a library, with the settings of its one protocol.

    ``public`` is an app that cannot keep a secret.
    """

    library: LibraryId
    name: Name
    oidc: OidcSettings | None = None
    cas: CasSettings | None = None
    public: bool = False


class ClientPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be set; settings are set as a whole."""

    name: Name | UnsetType = UNSET
    oidc: OidcSettings | UnsetType = UNSET
    cas: CasSettings | UnsetType = UNSET


class ClientStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided."""

    step: Literal["suspend", "resume"]


class ClientItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client; its id is the ``client_id``. ``secret`` is shown once, when it is made."""

    id: str
    name: str
    library: str
    protocol: str
    public: bool
    added_at: str
    oidc: OidcSettings | None = None
    cas: CasSettings | None = None
    suspended_at: str | None = None
    secret: str | None = None


class ClientList(msgspec.Struct, frozen=True):
    """Clients, the oldest first."""

    items: list[ClientItem]
    next: str | None


@clients.get("", MANAGE, problems=(404,))
def index(session: Session, caller: Caller, query: ClientsQuery, cursors: Cursors) -> ClientList:
    """The systems of the libraries that you manage."""
    reach = caller.reach(MANAGE)
    below = None
    if query.library is not None:
        library = tree.get(session, query.library)
        authority.require(reach, MANAGE, library)
        below = library.path
    asked = ["clients", query.library, scope.tops(reach)]
    position = cursors.open(asked, query.cursor)
    after = (from_micros(position[0]), position[1]) if position else None
    rows = queries.listed(session, reach, below, after, query.limit + 1)
    kept = rows[: query.limit]
    last = (to_micros(kept[-1].added_at), kept[-1].id) if len(rows) > query.limit else None
    return ClientList([item(row) for row in kept], cursors.seal(asked, last) if last else None)


@clients.post("", MANAGE, status=201, problems=(404, 409))
def add(database: Database, caller: Caller, body: NewClient) -> Answer[ClientItem]:
    """Register a system, so that people can sign on to it with their account here.

    Its secret stands in this answer and nowhere else. It is not repeated for an Idempotency-Key.
    """
    settings = body.oidc if body.cas is None else body.cas
    if settings is None or (body.oidc is not None and body.cas is not None):
        raise InvalidError(Fault("body", "protocol", "the settings of oidc, or those of cas"))
    by = keeper(caller)
    row, secret = database.run(
        lambda s: keeping.add(s, by, body.library, body.name, settings, is_public=body.public)
    )
    location = {"Location": f"/api/v1/clients/{row.id}"}
    return Answer(item(row, secret), 201, etag=f"v{row.version}", headers=location)


@clients.get("/<client_id>", MANAGE)
def show(session: Session, caller: Caller, client_id: ClientId) -> Answer[ClientItem]:
    """One system."""
    row = keeping.get(session, keeper(caller), client_id)
    return Answer(item(row), etag=f"v{row.version}")


@clients.patch("/<client_id>", MANAGE, problems=(404, 409, 412, 428))
def edit(
    database: Database, caller: Caller, client_id: ClientId, version: IfMatch, body: ClientPatch
) -> Answer[ClientItem]:
    """Change a system's name or settings.

    Send the ETag that you read as If-Match.
    """
    by, name = keeper(caller), None if body.name is UNSET else body.name
    settings: ClientSettings | None = None
    if body.oidc is not UNSET:
        settings = body.oidc
    elif body.cas is not UNSET:
        settings = body.cas
    row = database.run(lambda s: keeping.edit(s, by, client_id, version, name, settings))
    return Answer(item(row), etag=f"v{row.version}")


@clients.post("/<client_id>/secret", MANAGE, problems=(404, 409, 412, 428))
def new_secret(
    database: Database, caller: Caller, client_id: ClientId, version: IfMatch
) -> Answer[ClientItem]:
    """Give a system another secret, shown in this answer alone; the one before ends at once."""
    by = keeper(caller)
    row, secret = database.run(lambda s: keeping.new_secret(s, by, client_id, version))
    return Answer(item(row, secret), etag=f"v{row.version}")


@clients.post("/<client_id>/steps", MANAGE, problems=(404, 412, 428))
def step(
    database: Database, caller: Caller, client_id: ClientId, version: IfMatch, body: ClientStep
) -> Answer[ClientItem]:
    """Suspend a system, or end that. While it is suspended, none of its tokens work."""
    by, suspended = keeper(caller), body.step == "suspend"
    row = database.run(lambda s: keeping.suspend(s, by, client_id, version, suspended=suspended))
    return Answer(item(row), etag=f"v{row.version}")


def keeper(caller: Caller) -> Keeper:
    """The caller as who looks after clients."""
    return Keeper(
        actor_of(caller), caller.reach(MANAGE), caller.reach(Permission.APPROVE_LIBRARIES)
    )


def item(row: Client, secret: str | None = None) -> ClientItem:
    """A client as it is shown."""
    settings = keeping.settings_of(row)
    return ClientItem(
        id=row.id,
        name=row.name,
        library=row.library_id,
        protocol=row.protocol,
        public=row.secret is None,
        added_at=rfc3339(row.added_at),
        oidc=settings if isinstance(settings, OidcSettings) else None,
        cas=settings if isinstance(settings, CasSettings) else None,
        suspended_at=rfc3339(row.suspended_at) if row.suspended_at else None,
        secret=secret,
    )
