"""Writing what was audited into a file that can be verified without this program."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import ConflictError
from app.identity.models import AuditSeal
from app.identity.services import seals
from app.identity.services.verifying import STEP, held_by
from app.identity.trail import SealedEvent, Verified
from app.merkle import Tree


def export(
    session: Session, path: Path, since: datetime | None = None, until: datetime | None = None
) -> Verified:
    """Writes the seals made from ``since`` until before ``until``, each with all of its events.

    The file appears whole, readable by its owner alone.

    :raises ConflictError: when there is a file of this name, or something sealed is missing.
    """
    if path.exists():
        raise ConflictError(f"{path} is there already.")
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            done = _write(session, file, since, until)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    return done


def _write(
    session: Session, file: BinaryIO, since: datetime | None, until: datetime | None
) -> Verified:
    done, number = Verified(0, 0, None, None), 0
    while True:
        wanted = select(AuditSeal).where(AuditSeal.number > number)
        if since:
            wanted = wanted.where(AuditSeal.at >= since)
        if until:
            wanted = wanted.where(AuditSeal.at < until)
        found = session.scalars(wanted.order_by(AuditSeal.number).limit(STEP)).all()
        for row in found:
            number = row.number
            _write_one(session, file, row)
            done = Verified(done.seals + 1, done.events + row.count, seals.line_of(row), None)
        if not found:
            return done
        session.expunge_all()


def _write_one(session: Session, file: BinaryIO, row: AuditSeal) -> None:
    """A seal on its line, then its events on theirs."""
    held = held_by(session, row.number)
    tree = Tree([one.hash for one in held])
    file.write(msgspec.json.encode(seals.line_of(row)) + b"\n")
    for one in held:
        if one.leaf is None:
            raise ConflictError(f"Event {one.name} of seal {row.number} is missing.")
        path = [partner.hex() for partner in tree.proof(one.place)]
        file.write(msgspec.json.encode(SealedEvent(one.place, one.leaf.decode(), path)) + b"\n")
