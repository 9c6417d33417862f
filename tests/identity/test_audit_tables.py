"""What was written down can neither be changed nor removed."""

import pytest
from house import House
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.identity.services import audit

TABLES = ("audit_events", "audit_leaves", "audit_seals")
ROWS = {
    "audit_events": "(id, at, action, subject, detail) VALUES ('a', 1, 'a', 'a', '')",
    "audit_leaves": "(event_id, seal, place, hash) VALUES ('a', 1, 1, '')",
    "audit_seals": "(number, at, count, root, previous, seal) VALUES (1, 1, 1, '', '', '')",
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_rows_are_only_added(house: House, table: str, statement: str) -> None:
    first = ROWS[table].partition(",")[0].removeprefix("(")
    with house.database.transaction() as session:
        session.execute(text(f"INSERT INTO {table} {ROWS[table]}"))
    with (
        pytest.raises(DBAPIError, match=f"{table} is only added to"),
        house.database.transaction() as session,
    ):
        session.execute(text(statement.format(table, first, first)))


def test_what_is_noted_names_the_request_and_waits_for_its_seal(house: House) -> None:
    with house.database.transaction() as session:
        actor = audit.Actor("account", "203.0.113.7" * 9, "request-id-of-64-characters" + "x" * 37)
        audit.note(session, actor, "thing.done", "thing:1", "main", number=1)
    with house.database.transaction(writes=False) as session:
        ((event, request_id, address),) = session.execute(
            text("SELECT id, request_id, address FROM audit_events")
        ).all()
        assert (request_id, len(address)) == (actor.request_id, 49)
        assert session.scalars(text("SELECT event_id FROM audit_pending")).all() == [event]
