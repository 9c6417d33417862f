"""Codes that prove that a phone or an address reaches a person: six digits, ten minutes.

A code is made when it is sent, by a job that knows only the id of its row; of it an HMAC is kept.
Asking for one does the same whether there is an account or not.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hmac import compare_digest
from unicodedata import normalize

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.database import Database, now, random_id
from app.errors import Fault, InvalidError
from app.identity.handles import Handle, HandleKind
from app.identity.models import Code
from app.identity.services import attaching
from app.jobs import enqueue
from app.messaging.ports import Message
from app.sealing import Sealer

LIFE = timedelta(minutes=10)
TRIES = 5
_PURPOSE = "code"
JOB = "identity.send_code"


class Purpose(StrEnum):
    """What a code is for; one for this opens nothing else."""

    SIGN_UP = "sign-up"
    SIGN_IN = "sign-in"
    RECOVER = "recover"
    ADD = "add"
    MERGE = "merge"
    GUARDIAN = "guardian"
    CLAIM = "claim"
    """To have a card that its library made an account for."""
    DESK = "desk"
    """Told to the staff at a desk, and sent to nobody."""


_FOR = {
    Purpose.SIGN_UP: ("注册", "sign up"),
    Purpose.SIGN_IN: ("登录", "sign in"),
    Purpose.RECOVER: ("找回账号", "recover your account"),
    Purpose.ADD: ("绑定到您的账号", "add it to your account"),
    Purpose.GUARDIAN: (
        "监护人同意或更改孩子账号的设置",
        "decide on a child's account as the guardian",
    ),
    Purpose.CLAIM: ("领取读者证账号", "claim your library card"),
    Purpose.MERGE: ("将此账号并入另一个账号", "merge this account into another"),
}
_TEXT = (
    "【开卷】验证码 {code}，10 分钟内有效，用于{zh}。请勿告诉任何人；非本人操作请忽略。\n"
    "Kaijuan: {code} is your code to {en}, valid for 10 minutes. Tell it to nobody."
)


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody has what was sent to this handle; to be spent once."""

    ticket: str
    digest: str = field(repr=False)
    handle: Handle
    account_id: str | None


def ask(
    session: Session,
    sealer: Sealer,
    purpose: Purpose,
    handle: Handle,
    account_id: str | None = None,
) -> str:
    """Has a code be sent; answers the ticket to show it with. Codes before it are void.

    :raises InvalidError: for a card, which nothing can be sent to.
    """
    if handle.kind is HandleKind.CARD:
        raise InvalidError(Fault("handle", "handle-invalid", "a phone number or an address"))
    return ask_of(session, sealer, purpose, handle.lookup(sealer), handle, account_id)


def ask_of(
    session: Session,
    sealer: Sealer,
    purpose: Purpose,
    lookup: str,
    handle: Handle | None,
    account_id: str | None,
) -> str:
    """As :func:`ask`, for what is known by this hash and reached by this handle, if by any."""
    ticket, at = random_id(), now()
    kind, value = (handle.kind, handle.value) if handle else (HandleKind.PHONE, "")
    session.execute(delete(Code).where(Code.lookup == lookup, Code.purpose == str(purpose)))
    session.add(
        Code(
            id=ticket,
            purpose=str(purpose),
            account_id=account_id,
            kind=str(kind),
            lookup=lookup,
            sealed=sealer.seal(_PURPOSE, ticket, value.encode()),
            made_at=at,
            expires_at=at + LIFE,
        )
    )
    enqueue(session, JOB, code=ticket)
    return ticket


def prepare(session: Session, sealer: Sealer, ticket: str) -> tuple[HandleKind, Message] | None:
    """Makes the code, in the place of one that may have been sent before, and what says it.

    Nothing where it is too late, or nobody has an account to sign in to or to recover, or there
    is nowhere to send it to.
    """
    row = session.get(Code, ticket, with_for_update=True)
    if row is None or row.expires_at <= now():
        return None
    handle = _handle(sealer, row.kind, ticket, row.sealed)
    needs_account = row.purpose in (Purpose.SIGN_IN, Purpose.RECOVER, Purpose.MERGE)
    if needs_account and attaching.find(session, sealer, handle) is None:
        return None
    if not handle.value:
        return None
    code = f"{secrets.randbelow(10**6):06}"
    row.digest = _digest(sealer, ticket, code)
    zh, en = _FOR[Purpose(row.purpose)]
    text = _TEXT.format(code=code, zh=zh, en=en)
    return handle.kind, Message(handle.value, text, f"开卷验证码 · Kaijuan: {en}")


def confirm(database: Database, sealer: Sealer, purpose: Purpose, ticket: str, code: str) -> Proof:
    """What the code proves. Each try counts, whatever becomes of the request.

    :raises InvalidError: when it is wrong, too late, tried too often, or never was: alike.
    """
    counted = (
        update(Code)
        .where(
            Code.id == ticket,
            Code.purpose == str(purpose),
            Code.tries < TRIES,
            Code.expires_at > now(),
        )
        .values(tries=Code.tries + 1)
        .returning(Code.digest, Code.kind, Code.sealed, Code.account_id)
    )
    row = database.run(lambda session: session.execute(counted).first())
    given = _digest(sealer, ticket, "".join(normalize("NFKC", code).split()))
    if row is None or not compare_digest(row.digest, given):
        raise wrong()
    handle = _handle(sealer, row.kind, ticket, row.sealed)
    return Proof(ticket, row.digest, handle, row.account_id)


def spend(session: Session, proof: Proof) -> None:
    """Uses the proof up, in the transaction that it lets happen.

    :raises InvalidError: when another request used it first.
    """
    mine = delete(Code).where(Code.id == proof.ticket, Code.digest == proof.digest)
    if session.scalar(mine.returning(Code.id)) is None:
        raise wrong()


def purge(session: Session) -> None:
    """Forgets the codes that are too old."""
    session.execute(delete(Code).where(Code.expires_at < now()))


def wrong() -> InvalidError:
    """That a code proves nothing."""
    return InvalidError(Fault("code", "code-wrong", "the six digits that were sent last"))


def _handle(sealer: Sealer, kind: str, ticket: str, sealed: bytes) -> Handle:
    return Handle(HandleKind(kind), sealer.unseal(_PURPOSE, ticket, sealed).decode())


def _digest(sealer: Sealer, ticket: str, code: str) -> str:
    return sealer.lookup("code", f"{ticket}:{code}")
