"""Whose reader a person is, and counts that are always what they count."""

from concurrent.futures import ThreadPoolExecutor

from house import House
from sqlalchemy import select, update

from app.identity import accounts
from app.identity.models import Account, LibraryCounts
from app.identity.services import homes
from app.operating.doctor import examine


def counts(house: House) -> dict[str, tuple[int, int]]:
    """What is counted, by library."""
    with house.database.transaction(writes=False) as session:
        rows = session.scalars(select(LibraryCounts)).all()
        return {row.library_id: (row.readers, row.verified) for row in rows}


def reader(house: House, home: str | None, assurance: int = 0) -> str:
    """The id of a new reader."""
    with house.database.transaction() as session:
        account = accounts.add_account(session, "读者")
        homes.settle(session, account, home, assurance)
        return account.id


def settle(house: House, account_id: str, home: str | None, assurance: int = 0) -> None:
    """Gives a reader another home or standing."""
    with house.database.transaction() as session:
        homes.settle(session, session.get_one(Account, account_id), home, assurance)


def test_readers_are_counted_where_they_are_at_home(house: House) -> None:
    house.network()
    first = reader(house, "north")
    reader(house, "north", 3)
    reader(house, None)
    assert counts(house) == {"north": (2, 1)}
    settle(house, first, "north", 3)
    assert counts(house) == {"north": (2, 2)}
    settle(house, first, "south", 3)
    assert counts(house) == {"north": (1, 1), "south": (1, 1)}
    settle(house, first, None)
    assert counts(house) == {"north": (1, 1), "south": (0, 0)}


def test_what_is_rolled_back_is_not_counted(house: House) -> None:
    house.network()
    with house.database.transaction() as session:
        homes.settle(session, accounts.add_account(session, "读者"), "north", 0)
        session.rollback()
    assert counts(house) == {}


def test_one_who_is_moved_by_many_at_once_is_counted_once(house: House) -> None:
    house.network()
    account = reader(house, "nation")
    homes_given = ["north", "south", "north-1", "nation"] * 3
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda home: settle(house, account, home), homes_given))
    assert sum(readers for readers, _ in counts(house).values()) == 1
    with house.database.transaction(writes=False) as session:
        assert homes.wrong(session) == 0


def test_counts_that_are_wrong_are_found_and_mended(house: House) -> None:
    house.network()
    reader(house, "north")
    reader(house, "south", 3)
    assert diagnosis(house) == (True, "")
    with house.database.transaction() as session:
        session.execute(update(LibraryCounts).values(readers=7))
    assert diagnosis(house) == (False, "Run `kaijuan user recount`.")
    with house.database.transaction() as session:
        assert homes.recount(session) == 2
    assert counts(house) == {"nation": (0, 0), "north": (1, 0), "south": (1, 1), "north-1": (0, 0)}
    assert diagnosis(house) == (True, "")


def diagnosis(house: House) -> tuple[bool, str]:
    """What the doctor says of the counts."""
    found = {one.what: one for one in examine(house.settings, house.adapters)}
    told = found["readers are counted"]
    return told.ok, told.mend
