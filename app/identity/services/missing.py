"""Cards that a file does not have which says that it holds all readers of the library.

They are suspended as cards: nobody's account is closed or suspended for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.database import Database, now
from app.identity.models import Account, Card, Handle
from app.identity.services import registering
from app.seen import Seen

AT_ONCE = 2_000
FEW = 5
"""So many may be missing however small the library is."""


def open_cards(session: Session, library_id: str) -> int:
    """How many cards of the library are open."""
    wanted = select(func.count()).where(Card.library_id == library_id, Card.state == "open")
    return session.scalar(wanted) or 0


def pages(database: Database, library_id: str, seen: Seen) -> Iterator[Sequence[str]]:
    """The open cards of the library that were not seen, page by page."""
    after = ""
    while True:
        wanted = (
            select(Card.lookup)
            .where(Card.library_id == library_id, Card.lookup > after, Card.state == "open")
            .order_by(Card.lookup)
            .limit(AT_ONCE)
        )
        with database.transaction(writes=False) as session:
            page = session.scalars(wanted).all()
        if gone := seen.unseen(page):
            yield gone
        if len(page) < AT_ONCE:
            return
        after = page[-1]


def is_too_many(missing: int, cards: int, at_most: int) -> bool:
    """Whether more are missing than the part in a hundred that may be: the file may be torn."""
    return missing > max(cards * at_most // 100, FEW)


def suspend(session: Session, import_id: str, lookups: Sequence[str]) -> list[str]:
    """Suspends those of the cards that are open still; answers the accounts that have them."""
    wanted = (
        select(
            Handle.account_id, Card.lookup, Card.state, Card.expires_at, Card.contact_kind,
            Card.contact, Card.said, Card.import_id, Card.before, Account.name,
        )
        .join(Handle, Handle.lookup == Card.lookup)
        .join(Account, Account.id == Handle.account_id)
        .where(Handle.kind == "card", Card.lookup.in_(lookups), Card.state == "open")
        .order_by(Card.lookup)
        .with_for_update(of=Handle)
    )  # fmt: skip
    rows = session.execute(wanted).all()
    at = now()
    news = [
        {"lookup": row.lookup, "state": "missing", "said": "", "import_id": import_id,
         "before": registering.before_of(row, import_id), "changed_at": at}
        for row in rows
    ]  # fmt: skip
    if news:
        session.execute(update(Card), news)
    return [row.account_id for row in rows]
