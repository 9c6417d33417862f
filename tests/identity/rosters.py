"""Files of readers as libraries send them, and what is kept of whom they name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from house import House
from sqlalchemy import Row, select

from app.identity import roster
from app.identity.handles import normal
from app.identity.models import Account, Card, Handle
from app.identity.reports import ReaderReport
from app.identity.services import importing
from app.identity.services.parting import Order

HEADING = "读者证号,姓名,手机,邮箱,状态,有效期"
LIBRARY = "north-1"


def table(path: Path, *rows: str, heading: str = HEADING) -> Path:
    """A CSV of these rows."""
    path.write_text("\n".join([heading, *rows, ""]))
    return path


def take(
    house: House, path: Path, *, library: str = LIBRARY, dry_run: bool = False, **options: Any
) -> ReaderReport:
    """Imports a file."""
    progress = options.pop("progress", lambda _report: None)
    order = Order(roster.open_roster(path, None, library), path.name, **options)
    sealer = house.adapters.sealer
    return importing.import_readers(
        house.database, sealer, order, dry_run=dry_run, progress=progress
    )


def counts(report: ReaderReport) -> tuple[int, int, int, int, int]:
    """Read, added, changed, unchanged, refused."""
    return (report.read, report.added, report.changed, report.unchanged, report.refused)


def said(report: ReaderReport) -> list[tuple[str, str]]:
    """The places and codes of its problems."""
    return [(problem.place, problem.code) for problem in report.problems]


def card(house: House, number: str, library: str = LIBRARY) -> Row[*tuple[Any, ...]] | None:
    """What is kept of a card, with its account."""
    lookup = normal(number, library).lookup(house.adapters.sealer)
    wanted = (
        select(
            Account.id, Account.name, Account.home_id, Account.assurance, Account.closed_at,
            Account.merged_into, Card.state, Card.expires_at, Card.contact, Card.claimed_at,
        )
        .join(Handle, Handle.account_id == Account.id)
        .outerjoin(Card, Card.lookup == Handle.lookup)
        .where(Handle.kind == "card", Handle.lookup == lookup)
    )  # fmt: skip
    with house.database.transaction(writes=False) as session:
        return session.execute(wanted).one_or_none()


def known(house: House, number: str, library: str = LIBRARY) -> Row[*tuple[Any, ...]]:
    """As :func:`card`, of one that is there."""
    found = card(house, number, library)
    assert found is not None
    return found


def readers(numbers: Iterable[int]) -> list[str]:
    """Rows of made-up people."""
    return [f"A{n:06},王小明,138{n:08},,正常,2099-12-31" for n in numbers]
