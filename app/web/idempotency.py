"""``Idempotency-Key``: a write that is sent twice is done once, and answered alike.

The answer is kept in the transaction that did the work, so that neither can be without the other.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b

from flask import Response, request
from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.database import Base, Instant, key_text, now
from app.errors import ConflictError, Fault, InvalidError
from app.permissions import Caller
from app.personal import Closing, Merging, personal
from app.web.receiving import fingerprint

KEPT = timedelta(hours=24)


class KeptAnswer(Base):
    """What a write answered, kept under the caller's key for a day at least, until a purge."""

    __tablename__ = "idempotency_answers"

    account_id: Mapped[str] = mapped_column(
        key_text(64),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.ENDED, why="answers that are kept for a day"),
    )
    key: Mapped[str] = mapped_column(key_text(128), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(key_text(64))
    status: Mapped[int]
    location: Mapped[str | None]
    etag: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(Instant, index=True)


def once(session: Session, caller: Caller, endpoint: str, work: Callable[[], Response]) -> Response:
    """Does ``work`` unless this caller's key was answered before; then answers that again.

    :raises ConflictError: when the key was used for a different request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None or caller.account_id is None:
        return work()
    if not 8 <= len(key) <= 128 or not key.isprintable():
        message = "between 8 and 128 printable characters"
        raise InvalidError(Fault("Idempotency-Key", "invalid", message))
    asked = _asked(endpoint)
    wanted = select(KeptAnswer).where(
        KeptAnswer.account_id == caller.account_id, KeptAnswer.key == key
    )
    if kept := session.scalar(wanted):
        if kept.fingerprint != asked:
            raise ConflictError("This Idempotency-Key was used for a different request.")
        return _again(kept)
    response = work()
    session.add(
        KeptAnswer(
            account_id=caller.account_id,
            key=key,
            fingerprint=asked,
            status=response.status_code,
            location=response.headers.get("Location"),
            etag=response.headers.get("ETag"),
            body=response.get_data(),
            made_at=now(),
        )
    )
    return response


def _asked(endpoint: str) -> str:
    digest = blake2b(digest_size=24)
    for part in (endpoint, request.full_path, str(request.content_length)):
        digest.update(part.encode() + b"\0")
    digest.update(fingerprint())
    return digest.hexdigest()


def _again(kept: KeptAnswer) -> Response:
    response = Response(kept.body, kept.status, content_type="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    for name, value in (("Location", kept.location), ("ETag", kept.etag)):
        if value:
            response.headers[name] = value
    return response
