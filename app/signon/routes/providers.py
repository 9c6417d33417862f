"""The identity providers of a library: its readers come in through its own sign-on."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import Database, rfc3339
from app.errors import NotFoundError
from app.identity.schemas import LibraryId
from app.identity.services.audit import actor_of
from app.permissions import Caller, Permission
from app.sealing import Sealer
from app.signon.models import Provider
from app.signon.schemas import Address, Vouching
from app.signon.services import providers as services
from app.signon.services.arriving import Arrivals
from app.signon.services.checking import check
from app.signon.services.providers import NewProvider
from app.web.api import Answer, Endpoints

providers = Endpoints("signon.providers", "/api/v1/libraries/<library_id>/providers")
MANAGE = Permission.MANAGE_LIBRARIES
ProviderId = Annotated[str, Meta(min_length=1, max_length=32)]
Secret = Annotated[str, Meta(min_length=1, max_length=services.LONGEST_SECRET)]


class ProviderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A library's own sign-on, or WeChat, which only the topmost library has.

    ``address`` is the issuer of an OpenID Connect provider, or where the addresses of a CAS server
    or of WeChat's begin: https. ``client_id`` and ``secret`` are what the provider gave us; of
    WeChat the AppID and AppSecret. ``assurance`` says how well whoever comes from there is known:
    0 said so, 1 reached, 2 at the library.
    """

    protocol: Vouching
    name: Annotated[str, Meta(min_length=1, max_length=services.LONGEST_NAME)]
    address: Address
    client_id: Annotated[str, Meta(max_length=255)] = ""
    secret: Secret | None = None
    assurance: Annotated[int, Meta(ge=0, le=services.TRUSTED)] = 0


class SecretBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another secret, which the provider has given us; none where PKCE is enough for it."""

    secret: Secret | None


class ProviderItem(msgspec.Struct, frozen=True):
    """A provider; its secret is not shown. ``callback`` is the address to register there."""

    id: str
    protocol: str
    name: str
    address: str
    client_id: str
    has_secret: bool
    assurance: int
    added_at: str
    suspended_at: str | None
    callback: str


class ProviderList(msgspec.Struct, frozen=True):
    """The providers of a library, the oldest first; there are never more than twenty."""

    items: list[ProviderItem]
    next: None = None


class Found(msgspec.Struct, frozen=True):
    """What the provider said of itself."""

    works: bool
    found: list[str]


@providers.get("", MANAGE)
def index(
    session: Session, caller: Caller, arrivals: Arrivals, library_id: LibraryId
) -> ProviderList:
    """The providers of a library that you manage."""
    rows = services.of_library(session, caller.reach(MANAGE), library_id)
    return ProviderList([item(row, arrivals) for row in rows])


@providers.post("", MANAGE, status=201, problems=(409,))
def add(
    session: Session,
    caller: Caller,
    sealer: Sealer,
    arrivals: Arrivals,
    library_id: LibraryId,
    body: ProviderBody,
) -> Answer[ProviderItem]:
    """Have readers of a library come in through its own sign-on."""
    new = NewProvider(
        body.protocol, body.name, body.address, body.client_id, body.secret, body.assurance
    )
    row = services.add(session, sealer, actor_of(caller), caller.reach(MANAGE), library_id, new)
    location = f"/api/v1/libraries/{library_id}/providers/{row.id}"
    return Answer(item(row, arrivals), 201, headers={"Location": location})


@providers.get("/<provider_id>", MANAGE, problems=(404,))
def show(
    session: Session,
    caller: Caller,
    arrivals: Arrivals,
    library_id: LibraryId,
    provider_id: ProviderId,
) -> ProviderItem:
    """One provider."""
    return item(_of(session, caller, library_id, provider_id), arrivals)


@providers.put("/<provider_id>/secret", MANAGE, problems=(404,))
def renew_secret(
    session: Session,
    caller: Caller,
    sealer: Sealer,
    library_id: LibraryId,
    provider_id: ProviderId,
    body: SecretBody,
) -> None:
    """Keep another secret, which the provider has given us."""
    _of(session, caller, library_id, provider_id)
    about = (actor_of(caller), caller.reach(MANAGE), provider_id, body.secret)
    services.renew_secret(session, sealer, *about)


@providers.put("/<provider_id>/suspension", MANAGE, problems=(404,))
def suspend(
    session: Session, caller: Caller, library_id: LibraryId, provider_id: ProviderId
) -> None:
    """Take nobody in from the provider any more; who is signed in stays so."""
    _of(session, caller, library_id, provider_id)
    reach = caller.reach(MANAGE)
    services.suspend(session, actor_of(caller), reach, provider_id, is_on=True)


@providers.delete("/<provider_id>/suspension", MANAGE, problems=(404,))
def resume(
    session: Session, caller: Caller, library_id: LibraryId, provider_id: ProviderId
) -> None:
    """Take people in from the provider again."""
    _of(session, caller, library_id, provider_id)
    reach = caller.reach(MANAGE)
    services.suspend(session, actor_of(caller), reach, provider_id, is_on=False)


@providers.post("/<provider_id>/test", MANAGE, problems=(403, 404, 503))
def test(
    database: Database,
    caller: Caller,
    sealer: Sealer,
    arrivals: Arrivals,
    library_id: LibraryId,
    provider_id: ProviderId,
) -> Found:
    """Ask the provider what it says of itself, as a sign-in would."""
    with database.transaction(writes=False) as session:
        known = services.opened(session, sealer, _of(session, caller, library_id, provider_id))
    return Found(True, check(arrivals.issuers, arrivals.web, known, arrivals.callback(known.id)))


def item(row: Provider, arrivals: Arrivals) -> ProviderItem:
    """A provider as those see it who look after it."""
    return ProviderItem(
        id=row.id,
        protocol=row.protocol,
        name=row.name,
        address=row.address,
        client_id=row.client_id,
        has_secret=row.secret is not None,
        assurance=row.assurance,
        added_at=rfc3339(row.added_at),
        suspended_at=rfc3339(row.suspended_at) if row.suspended_at else None,
        callback=arrivals.callback(row.id),
    )


def _of(session: Session, caller: Caller, library_id: str, provider_id: str) -> Provider:
    row = services.get(session, caller.reach(MANAGE), provider_id)
    if row.library_id != library_id:
        raise NotFoundError("provider", provider_id)
    return row
