"""What an operator sees of the ledger, and trying again."""

from datetime import timedelta

import pytest
import time_machine

from app.errors import ConflictError, NotFoundError
from app.jobs import enqueue, ledger
from app.jobs.models import State
from app.jobs.queries import figures, list_jobs, retry_job, show_job

from .house import MINUTE, START, House


def put_failed(house: House) -> str:
    with house.database.transaction() as session:
        job_id = enqueue(session, "tests.write", key="k")
    claim = ledger.claim(house.database, "one/1/a", house.leases())
    assert claim is not None
    ledger.fail(house.database, claim, "Traceback\n  line\nValueError: no", again=False)
    return job_id


def test_jobs_are_listed_newest_first_and_each_once(house: House) -> None:
    with house.database.transaction() as session:
        ids = [enqueue(session, "tests.write", number=n) for n in range(5)]
        seen, cursor = list[str](), None
        while page := list_jobs(session, cursor=cursor, limit=2):
            seen += [item.id for item in page.items]
            if (cursor := page.next) is None:
                break
    assert seen == ids[::-1]


def test_a_list_is_narrowed_by_state_and_says_what_went_wrong(house: House) -> None:
    job_id = put_failed(house)
    with house.database.transaction(writes=False) as session:
        assert list_jobs(session, state=State.WAITING).items == []
        (item,) = list_jobs(session, state=State.FAILED, kind="tests.write").items
    assert (item.id, item.last_error) == (job_id, "ValueError: no")


def test_a_failed_job_is_tried_again_with_all_its_attempts(house: House) -> None:
    job_id, rings = put_failed(house), house.bell.rings
    with house.database.transaction() as session:
        shown = retry_job(session, job_id)
    assert (shown.state, shown.attempts, shown.finished_at) == (State.WAITING, 0, None)
    assert house.bell.rings == rings + 1
    assert ledger.claim(house.database, "one/1/a", house.leases())


def test_only_failed_jobs_can_be_retried(house: House) -> None:
    with house.database.transaction() as session:
        job_id = enqueue(session, "tests.write")
        with pytest.raises(ConflictError):
            retry_job(session, job_id)


def test_a_job_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFoundError), house.database.transaction(writes=False) as session:
        show_job(session, "01890000-0000-7000-8000-000000000000")


def test_the_lag_is_the_age_of_the_oldest_job_due(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        with house.database.transaction() as session:
            enqueue(session, "tests.write")
            assert figures(session).lag == timedelta()
        clock.shift(MINUTE)
        with house.database.transaction(writes=False) as session:
            assert figures(session).lag == MINUTE
