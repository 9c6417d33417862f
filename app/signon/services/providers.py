"""The identity providers of libraries: which there are, and who looks after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ConflictError, Fault, InvalidError, NotFoundError
from app.identity import tree
from app.identity.models import Library
from app.identity.queries.networks import WORKING
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.identity.wording import line
from app.permissions import Permission
from app.sealing import Sealer
from app.signon.addresses import require_web
from app.signon.models import Provider
from app.signon.schemas import Vouching

MANAGE = Permission.MANAGE_LIBRARIES
MOST = 20
"""Providers of one library."""
LONGEST_NAME = 64
LONGEST_SECRET = 500
TRUSTED = 2
"""The assurance that no provider's word goes beyond: as at the library's desk."""
FOUND = 50
_PURPOSE = "provider"
_LIBRARYS = Provider.protocol != str(Vouching.WECHAT)


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider that people may come from now."""

    id: str
    protocol: str
    name: str
    library_id: str
    library: str
    """The name of the library."""
    address: str
    client_id: str
    assurance: int
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider as people choose it."""

    id: str
    library: str
    name: str


@dataclass(frozen=True, slots=True)
class NewProvider:
    """What is said of a provider. ``address`` is the issuer, or where CAS or WeChat begins."""

    protocol: Vouching
    name: str
    address: str
    client_id: str = ""
    secret: str | None = field(default=None, repr=False)
    assurance: int = 0


def known(session: Session, sealer: Sealer, provider_id: str) -> KnownProvider:
    """The provider, while neither it nor its library is suspended.

    :raises NotFoundError: when there is none, or not now.
    """
    wanted = select(Provider, Library.name).join(Library, Library.id == Provider.library_id)
    row = session.execute(wanted.where(Provider.id == provider_id, _live())).first()
    if row is None:
        raise NotFoundError("provider", provider_id)
    return _known(sealer, row[0], row[1])


def choices(session: Session, words: str = "") -> list[Choice]:
    """The providers of libraries whose name has these words, in the tree's order; fifty at most."""
    wanted = _choosing().where(_live(), _LIBRARYS, Library.name.contains(words, autoescape=True))
    rows = session.execute(wanted.order_by(Library.path, Provider.added_at).limit(FOUND))
    return [Choice(*row) for row in rows]


def choice(session: Session, provider_id: str) -> Choice | None:
    """One of them."""
    wanted = _choosing().where(_live(), _LIBRARYS, Provider.id == provider_id)
    row = session.execute(wanted).first()
    return Choice(*row) if row else None


def wechat(session: Session) -> Choice | None:
    """WeChat, which is no library's; where there are two, the older."""
    wanted = _choosing().where(_live(), ~_LIBRARYS).order_by(Provider.added_at, Provider.id)
    row = session.execute(wanted.limit(1)).first()
    return Choice(*row) if row else None


def add(
    session: Session,
    sealer: Sealer,
    actor: Actor,
    reach: Sequence[str],
    library_id: str,
    new: NewProvider,
) -> Provider:
    """Has readers of a library come in through its own sign-on.

    :raises NotFoundError, ForbiddenError: for the library. :raises InvalidError: for what is said.
    :raises ConflictError: when it is said already, or the library has too many.
    """
    library = _managed(session, reach, library_id)
    name = line(new.name, "name", LONGEST_NAME)
    require_web(new.address, "address")
    if (new.protocol == Vouching.CAS) == bool(new.client_id):
        wanted = "the id by which an OpenID Connect provider or WeChat knows us; nothing for CAS"
        raise InvalidError(Fault("client_id", "client-id", wanted))
    if new.protocol == Vouching.WECHAT:
        _require_wechat(library, new)
    if not 0 <= new.assurance <= TRUSTED:
        raise InvalidError(Fault("assurance", "assurance", f"0 to {TRUSTED}"))
    held = session.scalars(select(Provider.address).where(Provider.library_id == library.id)).all()
    if new.address in held or len(held) >= MOST:
        raise ConflictError(f"{library.name} has this provider already, or {MOST} of them.")
    row = Provider(
        id=random_id(),
        library_id=library.id,
        protocol=str(new.protocol),
        name=name,
        address=new.address,
        client_id=new.client_id,
        secret=None,
        assurance=new.assurance,
        added_at=now(),
    )
    row.secret = _sealed(sealer, row.id, new.secret)
    session.add(row)
    session.flush()
    detail = {"protocol": row.protocol, "assurance": row.assurance}
    _note(session, actor, "provider.added", row, **detail)
    return row


def renew_secret(
    session: Session,
    sealer: Sealer,
    actor: Actor,
    reach: Sequence[str],
    provider_id: str,
    secret: str | None,
) -> Provider:
    """Keeps another secret, which the provider has given us.

    :raises NotFoundError: when there is none. :raises ForbiddenError: outside the reach.
    """
    row = get(session, reach, provider_id)
    row.secret = _sealed(sealer, row.id, secret)
    row.version += 1
    _note(session, actor, "provider.secret-changed", row)
    return row


def suspend(
    session: Session, actor: Actor, reach: Sequence[str], provider_id: str, *, is_on: bool
) -> Provider:
    """Takes nobody in from the provider any more, or again; who is signed in stays so.

    :raises NotFoundError: when there is none. :raises ForbiddenError: outside the reach.
    """
    row = get(session, reach, provider_id)
    if is_on != (row.suspended_at is not None):
        row.suspended_at = now() if is_on else None
        row.version += 1
        _note(session, actor, "provider.suspended" if is_on else "provider.resumed", row)
    return row


def get(session: Session, reach: Sequence[str], provider_id: str) -> Provider:
    """The provider, for who looks after its library.

    :raises NotFoundError: when there is none. :raises ForbiddenError: outside the reach.
    """
    row = session.get(Provider, provider_id)
    if row is None:
        raise NotFoundError("provider", provider_id)
    authority.require(reach, MANAGE, tree.get(session, row.library_id))
    return row


def of_library(session: Session, reach: Sequence[str], library_id: str) -> list[Provider]:
    """The providers of a library, the oldest first; there are never more than twenty.

    :raises NotFoundError, ForbiddenError: for the library.
    """
    authority.require(reach, MANAGE, tree.get(session, library_id))
    wanted = select(Provider).where(Provider.library_id == library_id)
    return list(session.scalars(wanted.order_by(Provider.added_at, Provider.id)))


def opened(session: Session, sealer: Sealer, row: Provider) -> KnownProvider:
    """The provider with its secret, suspended or not: to try it."""
    return _known(sealer, row, tree.get(session, row.library_id).name)


def _managed(session: Session, reach: Sequence[str], library_id: str) -> Library:
    library = tree.locked(session, library_id)
    authority.require(reach, MANAGE, library)
    return library


def _require_wechat(library: Library, new: NewProvider) -> None:
    if library.parent_id is not None:
        wanted = "WeChat is the whole network's: only the topmost library has it"
        raise InvalidError(Fault("protocol", "protocol", wanted))
    if not new.secret:
        raise InvalidError(Fault("secret", "secret", "the AppSecret that WeChat gave us"))
    if new.assurance:
        wanted = "0: WeChat does not say that it reached anybody"
        raise InvalidError(Fault("assurance", "assurance", wanted))


def _live() -> ColumnElement[bool]:
    return and_(Provider.suspended_at.is_(None), Library.state.in_(WORKING))


def _choosing() -> Select[str, str, str]:
    columns = (Provider.id, Library.name, Provider.name)
    return select(*columns).join(Library, Library.id == Provider.library_id)


def _known(sealer: Sealer, row: Provider, library: str) -> KnownProvider:
    secret = sealer.unseal(_PURPOSE, row.id, row.secret).decode() if row.secret else None
    return KnownProvider(
        id=row.id,
        protocol=row.protocol,
        name=row.name,
        library_id=row.library_id,
        library=library,
        address=row.address,
        client_id=row.client_id,
        assurance=row.assurance,
        secret=secret,
    )


def _sealed(sealer: Sealer, provider_id: str, secret: str | None) -> bytes | None:
    if secret is not None and not 0 < len(secret) <= LONGEST_SECRET:
        raise InvalidError(Fault("secret", "secret", f"at most {LONGEST_SECRET} characters"))
    return None if secret is None else sealer.seal(_PURPOSE, provider_id, secret.encode())


def _note(session: Session, actor: Actor, action: str, row: Provider, **detail: object) -> None:
    audit.note(session, actor, action, f"provider:{row.id}", row.library_id, **detail)
