"""Pages of people on the embedded default: libraries and rows in the order of their indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from house import House
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.identity import accounts
from app.identity.queries import readers, staff
from app.identity.services import homes
from bench.people import BEGAN

from .plans import issued

pytestmark = pytest.mark.embedded
ASKED: dict[str, tuple[Callable[[Session], Any], str]] = {
    "readers": (lambda s: readers.newest(s, "0001", None, 50), "ix_accounts_home"),
    "readers, further on": (
        lambda s: readers.newest(s, "0001", ("00010002", BEGAN, "x"), 50), "ix_accounts_home",
    ),
    "readers by name": (
        lambda s: readers.found(s, "0001", "读", [], ("0001", "", ""), 50), "ix_accounts_home_name",
    ),
    "staff": (lambda s: staff.listed(s, "0001", None, 50, below=True), "ix_grants_library_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_page_walks_the_libraries_and_stops(house: House, name: str) -> None:
    ask, index = ASKED[name]
    house.network()
    with house.database.transaction() as session:
        for number in range(40):
            account = accounts.add_account(session, f"读者{number}")
            homes.settle(session, account, ("north", "south")[number % 2], 0)
        session.execute(text("ANALYZE"))
        with issued() as seen:
            ask(session)
        [one] = seen
        explained = session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN " + one.statement, one.parameters
        )
        steps = [row[-1] for row in explained]
    walk = [step for step in steps if "libraries USING" in step or f" {index} " in step][:2]
    assert "path>" in walk[0], steps
    assert index in walk[1], steps
    tables = ("libraries", "accounts", "grants", "handles")
    assert not [step for step in steps if step.startswith("SCAN") and step.endswith(tables)], steps
    page = steps[: next(n for n, step in enumerate(steps) if step.startswith("SCAN anon"))]
    assert not [step for step in page if step == "USE TEMP B-TREE FOR ORDER BY"], steps
