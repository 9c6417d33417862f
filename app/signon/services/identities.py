"""Whose account it is that a library's provider knows as somebody: found, made, linked, taken away.

A provider's word makes an account or opens the one that is linked, and nothing else: what it says
of phones and addresses is not looked at. Only who is signed in links what they come in by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.database import now
from app.errors import ConflictError, NotFoundError
from app.identity import accounts
from app.identity.accounts import Known
from app.identity.documents import DOCUMENTS, TO_SIGN_UP
from app.identity.handles import HandleKind
from app.identity.models import Account, Handle, Library, Passkey, Password
from app.identity.services import audit, homes, keeping, notices, sessions
from app.identity.services.audit import Actor
from app.identity.services.notices import Change
from app.identity.services.sessions import Visit
from app.sealing import Sealer
from app.signon.models import Provider, ProviderIdentity
from app.signon.schemas import Vouching
from app.signon.services.providers import KnownProvider

NEWCOMER = "读者"
"""What somebody is called who has not said: what a provider calls them may be a real name."""
METHOD = "fed"
"""That another vouched for the person; it is no second factor of ours."""


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """A way in through a library, as its owner sees it."""

    provider_id: str
    library: str
    name: str
    linked_at: datetime
    used_at: datetime


def owner(session: Session, sealer: Sealer, provider: KnownProvider, subject: str) -> str | None:
    """Whose account it is."""
    row = session.get(ProviderIdentity, (provider.id, _lookup(sealer, provider, subject)))
    return row.account_id if row else None


def enter(
    session: Session,
    sealer: Sealer,
    visit: Visit,
    provider: KnownProvider,
    subject: str,
    born: int | None,
) -> tuple[str, str]:
    """A session of the account that is linked, or of a new one at home in the library.

    Who comes through WeChat is at home nowhere yet, as who signs up by phone is.

    ``born`` is the year in which a minor was who comes the first time.

    :raises UnauthenticatedError: when the account is closed.
    """
    lookup = _lookup(sealer, provider, subject)
    row = session.get(ProviderIdentity, (provider.id, lookup))
    if row is None:
        account = accounts.add_account(session, NEWCOMER)
        actor, about = visit.actor(account.id), f"account:{account.id}"
        audit.note(session, actor, "account.made", about, provider.library_id, by=provider.id)
        agreed = {str(one): DOCUMENTS[one].version for one in TO_SIGN_UP}  # before they were sent
        keeping.welcome(session, actor, account.id, agreed, born)
        row = _add(session, actor, provider, lookup, account.id)
    row.used_at = now()
    return row.account_id, sessions.begin(session, visit, row.account_id, (METHOD,))


def link(
    session: Session,
    sealer: Sealer,
    actor: Actor,
    known: Known,
    provider: KnownProvider,
    subject: str,
) -> None:
    """Has the account be come in to through the provider too; linking it again changes nothing.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises ConflictError: when it opens another account.
    """
    sessions.require_fresh(known)
    lookup = _lookup(sealer, provider, subject)
    row = session.get(ProviderIdentity, (provider.id, lookup))
    if row is None:
        _add(session, actor, provider, lookup, known.account_id)
        notices.tell(session, actor, known.account_id, Change.IDENTITY)
    elif row.account_id != known.account_id:
        raise ConflictError("It opens another account. If that is yours too, merge the two.")


def listed(session: Session, account_id: str) -> list[IdentityLine]:
    """The libraries through which the account is come in to, the oldest first."""
    columns = (ProviderIdentity.provider_id, Library.name, Provider.name)
    wanted = (
        select(*columns, ProviderIdentity.linked_at, ProviderIdentity.used_at)
        .join(Provider, Provider.id == ProviderIdentity.provider_id)
        .join(Library, Library.id == Provider.library_id)
        .where(ProviderIdentity.account_id == account_id)
        .order_by(ProviderIdentity.linked_at, ProviderIdentity.provider_id)
    )
    return [IdentityLine(*row) for row in session.execute(wanted)]


def unlink(session: Session, actor: Actor, known: Known, provider_id: str) -> None:
    """Takes a library's way in away; not the last way in.

    :raises ForbiddenError: when the person did not sign in a moment ago.
    :raises NotFoundError: when the account has none of this provider.
    :raises ConflictError: when nobody could sign in to the account any more.
    """
    sessions.require_fresh(known)
    session.get_one(Account, known.account_id, with_for_update=True)
    mine = ProviderIdentity.account_id == known.account_id
    gone = delete(ProviderIdentity).where(mine, ProviderIdentity.provider_id == provider_id)
    if not session.scalars(gone.returning(ProviderIdentity.lookup)).all():
        raise NotFoundError("identity", provider_id)
    if not _has_way_in(session, known.account_id):
        raise ConflictError("Add a phone number or an e-mail address first: nothing else is left.")
    about = (f"account:{known.account_id}", None)
    audit.note(session, actor, "identity.unlinked", *about, provider=provider_id)


def _has_way_in(session: Session, account_id: str) -> bool:
    """Whether codes reach the person, or a password, a passkey or another library lets them in."""
    kinds = set(session.scalars(select(Handle.kind).where(Handle.account_id == account_id)))
    if kinds - {HandleKind.CARD}:
        return True
    others: list[type[Passkey] | type[ProviderIdentity] | type[Password]]
    others = [Passkey, ProviderIdentity, *([Password] if kinds else [])]
    return any(
        session.scalar(select(func.count()).where(one.account_id == account_id)) for one in others
    )


def _add(
    session: Session, actor: Actor, provider: KnownProvider, lookup: str, account_id: str
) -> ProviderIdentity:
    row = ProviderIdentity(
        provider_id=provider.id,
        lookup=lookup,
        account_id=account_id,
        linked_at=now(),
        used_at=now(),
    )
    session.add(row)
    session.flush()
    accounts.require_open(session, account_id)
    account = session.get_one(Account, account_id)
    assurance = max(account.assurance, provider.assurance)
    home = None if provider.protocol == Vouching.WECHAT else provider.library_id
    homes.settle(session, account, account.home_id or home, assurance)
    about = (f"account:{account_id}", provider.library_id)
    audit.note(session, actor, "identity.linked", *about, provider=provider.id)
    return row


def _lookup(sealer: Sealer, provider: KnownProvider, subject: str) -> str:
    return sealer.lookup("provider-subject", f"{provider.id}:{subject}")
