"""Sessions: begun at a sign-in, gone on with at the next of the same account, ended by their owner.

The secret is another after every sign-in, so that nobody can have foisted it; the public id stays,
and with it what the session is signed on to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id
from app.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from app.identity import accounts
from app.identity.accounts import Known
from app.identity.models import Account, Credential
from app.identity.services import audit, second_factor, teen_mode
from app.identity.services.audit import Actor
from app.jobs.intake import ring_after_commit

HALF_OPEN_LIFE = timedelta(minutes=10)
"""In which the second factor is to be shown."""
SEEN_EVERY = timedelta(minutes=5)
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the door: from where, on what, and with which session until now."""

    address: str
    device: str = ""
    request_id: str = ""
    session: str | None = field(default=None, repr=False)
    device_cookie: str | None = field(default=None, repr=False)

    def actor(self, account_id: str | None) -> Actor:
        """Who acts, once it is known."""
        return Actor(account_id, self.address, self.request_id)


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as its owner sees it."""

    id: str
    device: str
    network: str
    methods: list[str]
    made_at: datetime
    seen_at: datetime | None
    expires_at: datetime
    is_this: bool


def begin(session: Session, visit: Visit, account_id: str, methods: Iterable[str]) -> str:
    """A session of the account, in the place of the one that the visitor had.

    One of the same account goes on, under another secret; another's ends. Where a second factor is
    still to be shown it opens nothing, and ends soon. Otherwise it takes back that the account was
    to be closed.

    :raises UnauthenticatedError: when the account is closed.
    """
    account = session.get(Account, account_id)
    if account is None or account.closed_at is not None:
        raise UnauthenticatedError("This account is closed.")
    used = set(methods) - {""}
    is_open = not accounts.SHOWN.isdisjoint(used) or not second_factor.is_on(session, account_id)
    actor = visit.actor(account_id)
    if is_open and account.closing_at is not None:
        account.closing_at = None
        audit.note(session, actor, "account.reopened", f"account:{account_id}", account.home_id)
    about = ("session.begun" if is_open else "session.half-open", f"account:{account_id}")
    audit.note(session, actor, *about, account.home_id, methods=sorted(used))
    before = _take_over(session, visit, account_id)
    return accounts.issue(
        session,
        account_id,
        "session",
        life=accounts.SESSION_LIFE if is_open else HALF_OPEN_LIFE,
        methods=",".join(sorted(used)),
        device=visit.device,
        network=shown_network(visit.address),
        instead_of=before,
    )


def _take_over(session: Session, visit: Visit, account_id: str) -> str | None:
    """The digest of the visitor's session, if it is a live one of this account; another ends."""
    if not visit.session:
        return None
    kept = accounts.digest(visit.session)
    mine = select(Credential.digest).where(*_live(account_id), Credential.digest == kept)
    if session.scalar(mine.with_for_update()) is None:
        sign_out(session, visit.session)
        return None
    return kept


def sign_out(session: Session, secret: str) -> None:
    """Ends the session of this secret, and has what it is signed on to be told at once."""
    accounts.revoke(session, secret)
    ring_after_commit(session)


def listed(session: Session, known: Known) -> list[SessionLine]:
    """The live sessions of the account, the one used last first; 100 at most."""
    wanted = (
        select(Credential)
        .where(*_live(known.account_id))
        .order_by(func.coalesce(Credential.seen_at, Credential.made_at).desc(), Credential.digest)
        .limit(MOST_LISTED)
    )
    return [
        SessionLine(
            id=row.id or "",
            device=row.device,
            network=row.address,
            methods=[one for one in row.methods.split(",") if one],
            made_at=row.made_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            is_this=row.digest == known.digest,
        )
        for row in session.scalars(wanted)
    ]


def end(session: Session, actor: Actor, known: Known, session_id: str) -> None:
    """Ends one session of the account.

    :raises NotFoundError: when it has none of this id.
    """
    mine = delete(Credential).where(*_live(known.account_id), Credential.id == session_id)
    if session.scalar(mine.returning(Credential.digest)) is None:
        raise NotFoundError("session", session_id)
    audit.note(session, actor, "session.ended", f"account:{known.account_id}")
    ring_after_commit(session)


def end_others(session: Session, actor: Actor, account_id: str, but: str | None = None) -> int:
    """Ends the account's sessions and links but the one of this digest; answers how many."""
    others = and_(
        Credential.account_id == account_id,
        Credential.kind.in_(("session", "link")),
        Credential.digest != (but or ""),
    )
    ended = session.scalars(delete(Credential).where(others).returning(Credential.digest)).all()
    if ended:
        audit.note(session, actor, "sessions.ended", f"account:{account_id}", count=len(ended))
        ring_after_commit(session)
    return len(ended)


def named(session: Session, known: Known) -> str:
    """The public id of a session, which is held until the transaction ends; it gets one if it has
    none.

    :raises UnauthenticatedError: when it has ended meanwhile.
    """
    mine = (Credential.digest == known.digest, Credential.kind == "session")
    held = select(Credential).where(*mine).with_for_update(read=True, key_share=True)
    found = session.scalar(held)
    if found is None:
        raise UnauthenticatedError
    if found.id is None:
        found.id = random_id()
        session.flush()
    return found.id


def touch(session: Session, kept: str, address: str) -> None:
    """Notes that a session is in use; once in five minutes whoever asks."""
    at = now()
    stale = or_(Credential.seen_at.is_(None), Credential.seen_at < at - SEEN_EVERY)
    seen = update(Credential).where(Credential.digest == kept, stale)
    seen = seen.values(seen_at=at, address=shown_network(address))
    if session.scalar(seen.returning(Credential.digest)) is not None:
        teen_mode.count(session, kept, int(SEEN_EVERY.total_seconds()) // 60)


def is_stale(known: Known) -> bool:
    """Whether its use is to be noted."""
    return known.seen_at is None or known.seen_at < now() - SEEN_EVERY


def require_fresh(known: Known) -> None:
    """Asks that the person signed in a moment ago.

    :raises ForbiddenError: when it is longer ago than a quarter of an hour.
    """
    if not known.is_fresh:
        raise ForbiddenError("fresh-session", "Sign in again first: it is too long ago.")


def purge(session: Session) -> None:
    """Forgets the secrets that have expired."""
    session.execute(delete(Credential).where(Credential.expires_at < now()))


def purge_idle(session: Session) -> None:
    """Ends the sessions that have not been used for too long, so that others learn of it."""
    idle = Credential.seen_at < now() - accounts.IDLE
    session.execute(delete(Credential).where(Credential.kind == "session", idle))


def shown_network(address: str) -> str:
    """The network of an address, as far as it is kept: /24 or /48."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((known, 24 if known.version == 4 else 48), strict=False))


def _live(account_id: str) -> tuple[ColumnElement[bool], ...]:
    at = now()
    return (
        Credential.account_id == account_id,
        Credential.kind == "session",
        Credential.expires_at > at,
        func.coalesce(Credential.seen_at, Credential.expires_at) > at - accounts.IDLE,
    )
