"""The role that the documentation gives to the application: it adds, and takes nothing away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import Database
from app.identity.services import audit, seals, verifying

pytestmark = pytest.mark.engines

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations" / "audit.md"
ROLE = "kaijuan_app_tests"


@pytest.fixture
def restricted(house: House) -> Iterator[Database]:
    """The database as that role sees it."""
    if house.database.is_sqlite:
        pytest.skip("SQLite has no roles")
    (statements,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    with house.database.transaction() as session:
        for statement in statements.replace("kaijuan_app", ROLE).split(";"):
            if statement.strip():
                session.execute(text(statement))
    as_it = house.database.url.update_query_dict({"options": f"-c role={ROLE}"})
    made = Database(as_it.render_as_string(hide_password=False))
    yield made
    made.close()
    with house.database.transaction() as session:
        session.execute(text(f"DROP OWNED BY {ROLE}"))
        session.execute(text(f"DROP ROLE {ROLE}"))


def test_it_writes_down_seals_and_verifies(restricted: Database) -> None:
    with restricted.transaction() as session:
        assert session.scalar(text("SELECT current_user")) == ROLE
        audit.note(session, audit.SYSTEM, "thing.done", "thing:1")
    assert seals.seal_new(restricted) == 1
    with restricted.transaction(writes=False, snapshot=True) as session:
        found = verifying.check_database(session)
    assert (found.seals, found.events, found.waiting, found.fault) == (1, 1, 0, None)


@pytest.mark.parametrize(
    ("table", "column"),
    [("audit_events", "actor"), ("audit_leaves", "place"), ("audit_seals", "root")],
)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {}",
        "TRUNCATE {}",
        "UPDATE {0} SET {1} = {1}",
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "DROP TRIGGER {0}_change_refused ON {0}",
        "DROP TABLE {}",
    ],
)
def test_it_takes_nothing_away(
    restricted: Database, table: str, column: str, statement: str
) -> None:
    with (
        pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
        restricted.transaction() as session,
    ):
        session.execute(text(statement.format(table, column)))
