"""Whether what was audited is what was sealed: from the database, or from an export alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.errors import Fault, InvalidError
from app.identity.models import AuditEvent, AuditLeaf, AuditPending, AuditSeal
from app.identity.services import seals
from app.identity.trail import Seal, SealedEvent, Verified
from app.merkle import Tree, leaf_hash, proves

STEP = 500
"""Seals that are read at once."""


@dataclass(frozen=True, slots=True)
class Held:
    """An event of a seal: its bytes, unless it is missing, and what they should hash to."""

    name: str
    place: int
    leaf: bytes | None
    hash: bytes
    path: Sequence[bytes] | None = None
    """The proof that was exported with it."""


Sealed = tuple[Seal, Sequence[Held]]


def check_database(session: Session, known: tuple[int, str] | None = None) -> Verified:
    """Recomputes every seal, and looks for what no seal holds.

    ``known`` is the number and the seal of one that was noted elsewhere: without any, nobody can
    tell when the last seals were removed with all that they held.
    """
    found = check(_kept(session), known, whole=True)
    fault = found.fault or _left_over(session, found.last.number if found.last else 0)
    return msgspec.structs.replace(found, fault=fault, waiting=seals.waiting(session))


def check_file(path: Path, known: tuple[int, str] | None = None) -> Verified:
    """The same of an export. :raises InvalidError: when the file is none."""
    with path.open("rb") as file:
        return check(_read(file), known, whole=False)


def check(sealed: Iterable[Sealed], known: tuple[int, str] | None, *, whole: bool) -> Verified:
    """Follows the chain as far as it holds; ``whole`` when it must begin with the first seal."""
    before = Seal(0, "", 0, "", "", seals.NOTHING) if whole else None
    held_good = Verified(0, 0, None, None)
    missing = f"seal {known[0]}, which was noted, is missing" if known else None
    for seal, held in sealed:
        fault = _fault(before, seal, held)
        if known and known[0] == seal.number:
            missing = None
            if known[1] != seal.seal:
                fault = fault or f"seal {seal.number} is not the one that was noted"
        if fault:
            return msgspec.structs.replace(held_good, fault=fault)
        held_good = Verified(held_good.seals + 1, held_good.events + seal.count, seal, None)
        before = seal
    return msgspec.structs.replace(held_good, fault=missing)


def _fault(before: Seal | None, seal: Seal, held: Sequence[Held]) -> str | None:
    """What does not fit about a seal or the first of its events, if anything."""
    if before and seal.number != before.number + 1:
        return f"seal {before.number + 1} is missing"
    if before and seal.previous != before.seal:
        return f"seal {seal.number} does not follow the one before"
    said = (seal.number, seal.at, seal.count, seal.root, seal.previous)
    if seals.seal_over(*said) != seal.seal:
        return f"seal {seal.number} was changed"
    for one in held:
        if one.leaf is None:
            return f"event {one.name} of seal {seal.number} is missing"
        if leaf_hash(one.leaf) != one.hash:
            return f"event {one.name} of seal {seal.number} was changed"
    if [one.place for one in held] != list(range(seal.count)):
        return f"of the {seal.count} events of seal {seal.number} not all are there"
    root = Tree([one.hash for one in held]).root
    if root.hex() != seal.root:
        return f"the events of seal {seal.number} are not those that it was made over"
    for one in held:
        if one.path is not None and not proves(one.hash, one.place, seal.count, one.path, root):
            return f"the proof of event {one.name} of seal {seal.number} does not hold"
    return None


def _kept(session: Session) -> Iterator[Sealed]:
    """The seals of the database with what they hold, in order."""
    last = 0
    while True:
        page = select(AuditSeal).where(AuditSeal.number > last).order_by(AuditSeal.number)
        found = [seals.line_of(row) for row in session.scalars(page.limit(STEP))]
        if not found:
            return
        for seal in found:
            yield seal, held_by(session, seal.number)
        last = found[-1].number
        session.expunge_all()


def held_by(session: Session, number: int) -> list[Held]:
    """The events of a seal in their places."""
    wanted = (
        select(AuditLeaf.event_id, AuditLeaf.place, AuditLeaf.hash, *seals.EVENT)
        .outerjoin(AuditEvent, AuditEvent.id == AuditLeaf.event_id)
        .where(AuditLeaf.seal == number)
        .order_by(AuditLeaf.place)
    )
    return [
        Held(row.event_id, row.place, seals.leaf_of(row) if row.id else None, _bytes(row.hash))
        for row in session.execute(wanted)
    ]


def _left_over(session: Session, last: int) -> str | None:
    """What stands beside the chain: leaves of seals that are gone, events that none will hold."""
    beyond = session.scalar(select(func.min(AuditLeaf.seal)).where(AuditLeaf.seal > last))
    if beyond is not None:
        return f"seal {beyond} is missing"
    without = select(AuditEvent.id).where(
        ~exists().where(AuditLeaf.event_id == AuditEvent.id),
        ~exists().where(AuditPending.event_id == AuditEvent.id),
    )
    stray = session.scalar(without.order_by(AuditEvent.id).limit(1))
    return f"event {stray} is in no seal and waits for none" if stray else None


def _read(lines: Iterable[bytes]) -> Iterator[Sealed]:
    """The seals of an export: each on its line, followed by its events on theirs."""
    seal, held = None, list[Held]()
    for number, line in enumerate(lines, 1):
        try:
            found = msgspec.json.decode(line, type=Seal | SealedEvent)
        except msgspec.MsgspecError as error:
            raise InvalidError(Fault(f"line {number}", "malformed", str(error))) from error
        if isinstance(found, SealedEvent):
            held.append(_held(found))
            continue
        if seal:
            yield seal, held
        seal, held = found, []
    if seal is None:
        raise InvalidError(Fault("file", "malformed", "no seal is in it"))
    yield seal, held


def _held(found: SealedEvent) -> Held:
    leaf = found.leaf.encode()
    try:
        name = msgspec.json.decode(leaf, type=seals.Leaf).id
    except msgspec.MsgspecError:
        name = f"at place {found.place}"
    path = [_bytes(one) for one in found.path]
    return Held(name, found.place, leaf, leaf_hash(leaf), path)


def _bytes(digits: str) -> bytes:
    """What hexadecimal digits say; what are none are no hash of anything."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
