"""What a sign-on lets a client do: the code, the refresh tokens that follow it, its end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.database import now, random_id, read
from app.errors import ForbiddenError
from app.identity.accounts import IDLE, Known, digest
from app.identity.models import Account, Credential, Library
from app.identity.queries.networks import WORKING
from app.identity.services import audit
from app.identity.services.audit import Actor
from app.signon.models import Authorization, Client, SignOn
from app.signon.schemas import Scope
from app.signon.services import sign_ons

CODE_LIFE = timedelta(minutes=1)
"""RFC 6749 §4.1.2 allows ten."""
REFRESH_LIFE = timedelta(days=30)
"""Without use."""
KEPT = timedelta(days=1)
"""After its time, so that what is shown again is known."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A code, and what it is bound to."""

    code: str = field(repr=False)
    redirect_uri: str
    challenge: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """An authorization that holds now, with what is told of its account."""

    id: str
    client_id: str
    account_id: str
    sign_on_id: str | None
    scope: str
    auth_time: datetime
    methods: tuple[str, ...]
    name: str
    home_id: str | None
    assurance: int
    version: int
    """The account's, as it is now."""


def begin(
    session: Session, actor: Actor, known: Known, client_id: str, scope: str, asked: Asked
) -> None:
    """Keeps a code by which the client gets its tokens.

    :raises ForbiddenError: for an account that is suspended, or about to be closed.
    """
    row = add(session, actor, known, client_id, scope)
    row.code, row.expires_at = digest(asked.code), now() + CODE_LIFE
    row.redirect_uri, row.challenge, row.nonce = asked.redirect_uri, asked.challenge, asked.nonce


def add(session: Session, actor: Actor, known: Known, client_id: str, scope: str) -> Authorization:
    """What this session lets the client do from now on.

    :raises ForbiddenError: as :func:`begin`.
    """
    account = session.get_one(Account, known.account_id)
    if account.suspended_at or account.closing_at:
        raise ForbiddenError("signed-in", "This account is suspended, or about to be closed.")
    at = now()
    row = Authorization(
        id=random_id(),
        client_id=client_id,
        account_id=account.id,
        sign_on_id=sign_ons.note(session, known, client_id),
        scope=scope,
        auth_time=known.made_at,
        methods=",".join(sorted(known.methods - {""})),
        version=account.version,
        made_at=at,
        expires_at=at + REFRESH_LIFE,
    )
    session.add(row)
    about = (f"account:{account.id}", account.home_id)
    audit.note(session, actor, "client.signed-on", *about, client=client_id, scope=scope)
    return row


def redeem(session: Session, actor: Actor, code: str, client_id: str) -> Authorization | None:
    """What the code stands for, the one time that its client shows it.

    Shown a second time, whatever came of it ends (RFC 6749 §4.1.2).
    """
    found = select(Authorization).where(Authorization.code == digest(code)).with_for_update()
    row = session.scalar(found)
    if row is None or row.client_id != client_id:
        return None
    if row.code_used_at is not None:
        end(session, actor, row, "code-used-again")
        return None
    row.code_used_at = now()
    return row if row.expires_at > now() else None


def renew(session: Session, row: Authorization, lasting: str | None = None) -> str:
    """The next refresh token, and with it the end of the one before."""
    lasting, turn = lasting or secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    row.family, row.turn, row.expires_at = digest(lasting), digest(turn), now() + REFRESH_LIFE
    session.flush()
    return f"{lasting}.{turn}"


def refresh(session: Session, actor: Actor, token: str, client_id: str) -> Authorization | None:
    """What a refresh token stands for, while it is the newest of its family.

    An older one was copied, or its successor was: the whole family ends (RFC 9700 §4.14.2).
    """
    row, turn = _of_family(session, token)
    if row is None or row.ended_at or row.client_id != client_id or row.expires_at <= now():
        return None
    if not compare_digest(row.turn, digest(turn)):
        end(session, actor, row, "refresh-token-used-again")
        return None
    return row


def of_token(session: Session, token: str) -> Authorization | None:
    """What a refresh token of now stands for."""
    row, turn = _of_family(session, token)
    return row if row is not None and compare_digest(row.turn, digest(turn)) else None


def lasting_half(token: str) -> str:
    """The half of a refresh token that stays the same."""
    return token.partition(".")[0]


def end(session: Session, actor: Actor, row: Authorization, why: str) -> None:
    """Nothing that came of it works any more."""
    if row.ended_at is None:
        row.ended_at = now()
        about = f"account:{row.account_id}"
        audit.note(session, actor, "authorization.ended", about, client=row.client_id, why=why)


def end_all(session: Session, account_id: str, client_id: str) -> None:
    """Ends whatever an account has let a client do."""
    mine = update(Authorization).where(
        Authorization.account_id == account_id,
        Authorization.client_id == client_id,
        Authorization.ended_at.is_(None),
    )
    session.execute(mine.values(ended_at=now()))


def standing(session: Session, authorization_id: str) -> Standing | None:
    """The authorization as it holds now; nothing when what it rests on has ended.

    It rests on the session that was signed on, or offline on the account being what it was.
    """
    at = now()
    row = read(session, _STANDING, id=authorization_id, at=at, idle_since=at - IDLE).first()
    if row is None:
        return None
    is_offline = Scope.OFFLINE in row.scope.split()
    if row.version != row.then if is_offline else row.session_id is None:
        return None
    return Standing(
        id=row.id,
        client_id=row.client_id,
        account_id=row.account_id,
        sign_on_id=row.sign_on_id if row.session_id else None,
        scope=row.scope,
        auth_time=row.auth_time,
        methods=tuple(one for one in row.methods.split(",") if one),
        name=row.name,
        home_id=row.home_id,
        assurance=row.assurance,
        version=row.version,
    )


_STANDING = (
    select(Authorization.id, Authorization.client_id, Authorization.account_id)
    .add_columns(Authorization.sign_on_id, Authorization.scope, Authorization.auth_time)
    .add_columns(Authorization.methods, Authorization.version.label("then"))
    .add_columns(Account.name, Account.home_id, Account.assurance, Account.version)
    .add_columns(Credential.id.label("session_id"))
    .join(Account, Account.id == Authorization.account_id)
    .join(Client, Client.id == Authorization.client_id)
    .join(Library, Library.id == Client.library_id)
    .outerjoin(SignOn, SignOn.id == Authorization.sign_on_id)
    .outerjoin(
        Credential,
        (Credential.id == SignOn.session_id)
        & (Credential.expires_at > bindparam("at"))
        & (func.coalesce(Credential.seen_at, Credential.expires_at) > bindparam("idle_since")),
    )
    .where(
        Authorization.id == bindparam("id"),
        Authorization.ended_at.is_(None),
        Client.suspended_at.is_(None),
        Library.state.in_(WORKING),
        Account.closed_at.is_(None),
        Account.closing_at.is_(None),
        Account.suspended_at.is_(None),
    )
)


def purge(session: Session) -> None:
    """Forgets codes that nobody showed, and families that nobody goes on with."""
    session.execute(delete(Authorization).where(Authorization.expires_at < now() - KEPT))


def _of_family(session: Session, token: str) -> tuple[Authorization | None, str]:
    lasting, _, turn = token.partition(".")
    wanted = select(Authorization).where(Authorization.family == digest(lasting))
    return session.scalar(wanted.with_for_update()), turn
