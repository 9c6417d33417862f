"""Many rows at once, on whichever database the settings name."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.catalog.models import DirtyRecord, SearchableText
from app.database import insert_many, now
from tests.house import House


def test_rows_come_back_as_they_were_given(house: House) -> None:
    at = now()
    given = [{"record_id": f"记录{n}\t\\N", "version": n, "since": at} for n in range(3)]
    with house.database.transaction() as session:
        insert_many(session, DirtyRecord, given)
    with house.database.transaction(writes=False) as session:
        kept = session.execute(select(DirtyRecord.version, DirtyRecord.since)).all()
        assert [tuple(row) for row in kept] == [(n, at) for n in range(3)]
        assert session.get(DirtyRecord, "记录2\t\\N") is not None


def test_a_row_that_is_there_already_is_an_integrity_error_and_none_is_kept(house: House) -> None:
    twice = [{"record_id": "a", "version": 1, "since": now()}] * 2
    with pytest.raises(IntegrityError), house.database.transaction() as session:
        insert_many(session, DirtyRecord, twice)
    with house.database.transaction(writes=False) as session:
        assert session.scalars(select(DirtyRecord)).all() == []


def test_a_row_whose_record_is_nowhere_is_an_integrity_error(house: House) -> None:
    lost = [{"record_id": "nowhere", "contents": "", "beginning": ""}]
    with pytest.raises(IntegrityError), house.database.transaction() as session:
        insert_many(session, SearchableText, lost)


def test_nothing_to_insert_is_nothing_done(house: House) -> None:
    with house.database.transaction() as session:
        insert_many(session, DirtyRecord, [])
