"""Numbers that are nobody's: of a form that is right, with a sequence that says its fate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from house import House
from sqlalchemy import update

from app.database import now
from app.identity.documents import DOCUMENTS
from app.identity.models import Verification
from app.jobs.models import Job, State
from app.verification.numbers import check_digit
from app.verification.simulator import Simulator

from .people import Browser

NAME = "欧阳·测试"
AGREED = DOCUMENTS["real-name"].version


def number(born: str = "19900307", sequence: str = "123", region: str = "110101") -> str:
    """A number with its check digit."""
    first = f"{region}{born}{sequence}"
    return first + check_digit(first)


def ask(browser: Browser, value: str, **more: Any) -> Any:
    """Asks to be verified."""
    body = {"method": "number", "name": NAME, "number": value, "agreed": AGREED, **more}
    return browser.post("/me/verification", **body)


def offering(house: House, simulator: Simulator | None) -> None:
    """The house with this service behind the port."""
    house.adapters = replace(house.adapters, verifier=simulator)
    house.open_doors()


def hurried(house: House) -> None:
    """Does what waits for a service that was away, now."""
    with house.database.transaction() as session:
        waiting = update(Job).where(Job.state == State.WAITING.value)
        session.execute(waiting.values(run_after=now()))
    house.work()


def askings(house: House) -> list[tuple[str, str, bool]]:
    """Every asking: its state, the reason, and whether anything sealed is left of it."""
    with house.database.transaction(writes=False) as session:
        rows = session.query(Verification).order_by(Verification.made_at, Verification.id).all()
        return [(row.state, row.reason, row.sealed is not None) for row in rows]
