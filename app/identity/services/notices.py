"""What an account's owner is told of: that how one comes in to it has changed.

Whoever changed it may be somebody else, and the owner has to hear of that where the other does not
listen (NIST SP 800-63B, account notifications): by mail at the verified address that came first;
of what would give the account away also by SMS, where there is no address.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.database import now
from app.identity.handles import HandleKind
from app.identity.models import Handle
from app.identity.policies import CHINA
from app.identity.services import attaching
from app.identity.services.audit import Actor
from app.identity.services.sessions import shown_network
from app.jobs import enqueue
from app.jobs.intake import Scalar
from app.jobs.models import Job, State, stands
from app.messaging.ports import Message
from app.sealing import Sealer

JOB = "identity.notify"
MOST = 20
"""So many in a day for an account: by then its owner has heard, and each SMS costs money."""
KEPT = timedelta(days=7)
"""How long a notice that could not be sent waits to be tried again by hand."""


class Change(StrEnum):
    """What was changed; ``CHANGED`` is the password, ``FOR_DEVICE`` is one for a device."""

    CHANGED = "password"
    RECOVERED = "recovered"
    HANDLE_ADDED = "handle-added"
    HANDLE_REMOVED = "handle-removed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    FOR_DEVICE = "device-password"
    IDENTITY = "identity"
    MERGED = "merged"
    CLOSING = "closing"


_GRAVE = {
    Change.CHANGED, Change.RECOVERED, Change.HANDLE_ADDED, Change.PASSKEY_ADDED, Change.IDENTITY,
    Change.MERGED, Change.CLOSING,
}  # fmt: skip
_SAID = {
    Change.CHANGED: ("密码已更改", "its password was changed"),
    Change.RECOVERED: ("已用验证码重设密码", "its password was set anew with a code"),
    Change.HANDLE_ADDED: ("绑定了新的手机号或邮箱", "another phone number or address was added"),
    Change.HANDLE_REMOVED: ("解绑了一个手机号或邮箱", "a phone number or address was removed"),
    Change.PASSKEY_ADDED: ("添加了通行密钥", "a passkey was added"),
    Change.PASSKEY_REMOVED: ("移除了通行密钥", "a passkey was removed"),
    Change.FACTOR_ADDED: ("开启了两步验证", "a second factor was added"),
    Change.FACTOR_REMOVED: ("关闭了两步验证", "its second factor was removed"),
    Change.FOR_DEVICE: ("新建了设备密码", "a device password was made"),
    Change.IDENTITY: ("关联了图书馆登录", "a library's sign-on was linked"),
    Change.MERGED: ("并入了您的另一个账号", "another account was merged into it"),
    Change.CLOSING: ("申请了注销", "its closing was asked for"),
}
_TEXT = (
    "【开卷】您的账号于{when}{zh}{where}。如非本人操作，请立即登录并更改密码。\n"
    "Kaijuan: {en}. If it was not you, sign in and change your password at once."
)


def tell(
    session: Session, actor: Actor, account_id: str, change: Change, *, last: str = ""
) -> None:
    """Has the owner be told, by what has been theirs until now: call it before handles change.

    By the handle of the lookup ``last`` only when there is no other. The job takes the sealed
    handle with it: whoever changed something may take the handle away before the job is done.
    """
    kinds = [HandleKind.EMAIL, *([HandleKind.PHONE] if change in _GRAVE else [])]
    wanted = select(Handle).where(
        Handle.account_id == account_id, Handle.kind.in_(kinds), Handle.verified_at.is_not(None)
    )
    order = (Handle.lookup == last, Handle.kind, Handle.added_at, Handle.lookup)
    row = session.scalars(wanted.order_by(*order).limit(1)).first()
    if row is None:
        return
    enqueue(
        session,
        JOB,
        account=account_id,
        change=str(change),
        network=shown_network(actor.address),
        at=now().isoformat(),
        kind=row.kind,
        sealed=b64encode(row.sealed).decode(),
    )


def forget(session: Session, job_id: str) -> None:
    """Has a job that is done know nobody any more."""
    session.execute(update(Job).where(Job.id == job_id).values(payload={}))


def purge(session: Session) -> None:
    """Forgets what could not be sent and is of no use by now."""
    failed = delete(Job).where(stands(Job, State.FAILED), Job.kind == JOB)
    session.execute(failed.where(Job.created_at < now() - KEPT))


def prepare(sealer: Sealer, said: Mapping[str, Scalar]) -> tuple[HandleKind, Message]:
    """What is sent, and by which way."""
    change, at = Change(str(said["change"])), datetime.fromisoformat(str(said["at"]))
    to = attaching.plain(sealer, str(said["account"]), b64decode(str(said["sealed"])))
    zh, en = _SAID[change]
    where = f"（网络 {said['network']}）" if said["network"] else ""
    text = _TEXT.format(when=f"{at.astimezone(CHINA):%m月%d日 %H:%M}", zh=zh, en=en, where=where)
    kind = HandleKind(str(said["kind"]))
    return kind, Message(to, text, "开卷账号变动提醒 · Kaijuan: your account")
