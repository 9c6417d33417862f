"""Sign-ons whose session has ended: taken to be told, told, put off, given up.

A batch is of one client, so that one that does not answer holds up nobody else. What is taken is
due again after a while, whatever becomes of who took it: every client is told at least once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import ColumnElement, SQLColumnExpression, case, delete, literal, select, update
from sqlalchemy.orm import Session

from app.database import Database, Instant, now
from app.signon.models import Client, SignOn
from app.signon.schemas import KINDS, ClientSettings

AT_ONCE = 20
LEASE = timedelta(minutes=5)
"""In which a batch is told; longer than it can take."""
DELAYS = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 10800, 28800, 43200)
)
"""After each time that telling failed. All of them are a day; then it is given up."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A sign-on to be told of."""

    id: str
    account_id: str
    service: str
    ticket: str
    tries: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one client is to be told."""

    client_id: str
    settings: ClientSettings
    endings: list[Ending]


def take(database: Database, but: Collection[str] = ()) -> Batch | None:
    """Takes what the client is to be told that has waited longest; nothing when none is due.

    Clients in ``but`` are being told already.
    """
    longest = select(SignOn.client_id).where(*_due(), SignOn.client_id.not_in(but))
    longest = longest.order_by(SignOn.tell_at).limit(1)
    with database.transaction(writes=False) as session:  # looking takes no lock
        client_id = session.scalar(longest)
    if client_id is None:
        return None
    return database.run(lambda s: _taken(s, client_id))


def _taken(session: Session, client_id: str) -> Batch | None:
    client = session.get(Client, client_id)
    if client is None:  # it was removed a moment ago, and its sign-ons with it
        return None
    wanted = select(SignOn).where(*_due(), SignOn.client_id == client_id)
    wanted = wanted.order_by(SignOn.tell_at, SignOn.id).limit(AT_ONCE)
    rows = session.scalars(wanted.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.tell_at = now() + LEASE
        row.tries += 1
    session.flush()
    settings = msgspec.json.decode(client.settings, type=KINDS[client.protocol])
    endings = [Ending(row.id, row.account_id, row.service, row.ticket, row.tries) for row in rows]
    return Batch(client_id, settings, endings) if endings else None


def settle(
    session: Session,
    batch: Batch,
    told: Collection[str],
    failed: Collection[Ending],
    *,
    is_away: bool,
) -> int:
    """Forgets what was told, and puts off what failed; answers how many were given up.

    When the client ``is_away``, whatever else it is to be told is put off as well.
    """
    session.execute(delete(SignOn).where(SignOn.id.in_(told)))
    given_up = [one.id for one in failed if one.tries > len(DELAYS)]
    session.execute(delete(SignOn).where(SignOn.id.in_(given_up)))
    mine = SignOn.id.in_([one.id for one in failed])
    _put_off(session, mine, SignOn.tries - 1)
    if not is_away:
        return len(given_up)
    others = (*_due(), SignOn.client_id == batch.client_id)
    hopeless = delete(SignOn).where(*others, SignOn.tries >= len(DELAYS))
    more = session.scalars(hopeless.returning(SignOn.id)).all()
    _put_off(session, SignOn.id.in_(select(SignOn.id).where(*others)), SignOn.tries, tried=1)
    return len(given_up) + len(more)


def _put_off(
    session: Session,
    which: ColumnElement[bool],
    before: SQLColumnExpression[int],
    *,
    tried: int = 0,
) -> None:
    """``before``: how often it had failed before this time."""
    at = now()
    delays = {number: literal(at + delay, Instant()) for number, delay in enumerate(DELAYS)}
    then = case(delays, value=before, else_=delays[len(DELAYS) - 1])
    put_off = update(SignOn).where(which).values(tell_at=then, tries=SignOn.tries + tried)
    session.execute(put_off.execution_options(synchronize_session=False))


def _due() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (SignOn.session_id.is_(None), SignOn.tell_at <= now())
