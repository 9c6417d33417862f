"""The contract of the ledger, on every database."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from database.plans import issued
from sqlalchemy import select

from app.database import now
from app.jobs import enqueue, ledger
from app.jobs.errors import LostClaimError, UnknownKindError
from app.jobs.ledger import Claim
from app.jobs.models import Job, State

from .house import MINUTE, START, House


def put(house: House, **ids: str | int) -> str:
    with house.database.transaction() as session:
        return enqueue(session, "tests.write", **ids)


def take(house: House, worker: str = "one/1/a") -> Claim | None:
    return ledger.claim(house.database, worker, house.leases())


def must_take(house: House, worker: str = "one/1/a") -> Claim:
    claim = take(house, worker)
    assert claim is not None
    return claim


def look(house: House, job_id: str) -> Job:
    with house.database.transaction(writes=False) as session:
        return session.scalars(select(Job).where(Job.id == job_id)).one()


def test_a_job_is_claimed_with_what_it_was_enqueued_with(house: House) -> None:
    job_id = put(house, record_id="r1", version=3)
    claim = must_take(house)
    assert (claim.id, claim.kind, claim.attempt) == (job_id, "tests.write", 1)
    assert claim.payload == {"record_id": "r1", "version": 3}
    assert take(house) is None


def test_a_job_is_not_there_when_its_transaction_rolls_back(house: House) -> None:
    with pytest.raises(ZeroDivisionError), house.database.transaction() as session:
        assert enqueue(session, "tests.write") == 1 / 0
    assert take(house) is None
    assert house.bell.rings == 0


def test_a_name_that_nobody_declared_is_refused(house: House) -> None:
    with pytest.raises(UnknownKindError), house.database.transaction() as session:
        enqueue(session, "tests.unheard_of")


def test_a_payload_that_is_more_than_scalars_is_refused(house: House) -> None:
    with pytest.raises(TypeError), house.database.transaction() as session:
        enqueue(session, "tests.write", records=["r1"])


def test_the_job_that_has_been_due_longest_comes_first(house: House) -> None:
    with time_machine.travel(START, tick=False), house.database.transaction() as session:
        later = enqueue(session, "tests.write", run_after=now() - MINUTE)
        sooner = enqueue(session, "tests.write", run_after=now() - 2 * MINUTE)
    assert [must_take(house).id, must_take(house).id] == [sooner, later]


def test_a_job_rests_until_its_time(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        with house.database.transaction() as session:
            enqueue(session, "tests.write", run_after=now() + MINUTE)
        assert take(house) is None
        clock.shift(MINUTE)
        assert take(house) is not None


def test_jobs_of_kinds_that_a_worker_does_not_know_are_left_to_others(house: House) -> None:
    put(house)
    assert ledger.claim(house.database, "old/1/a", {"tests.other": MINUTE}) is None


def test_two_claimers_never_hold_the_same_job(house: House) -> None:
    for number in range(20):
        put(house, number=number)
    together, claims = Barrier(4), list[str]()

    def claim_all(worker: str) -> None:
        together.wait()
        while claim := take(house, worker):
            claims.append(claim.id)

    threads = [Thread(target=claim_all, args=(f"w/{n}/a",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == len(set(claims)) == 20


def test_a_lease_that_ran_out_is_taken_over_and_the_old_holder_refused(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        put(house)
        old = must_take(house, "old/1/a")
        clock.shift(MINUTE)
        new = must_take(house, "new/2/b")
        assert new.token > old.token
        with pytest.raises(LostClaimError), house.database.transaction() as session:
            ledger.finish(session, old)
        with pytest.raises(LostClaimError):
            ledger.heartbeat(house.database, old, MINUTE)
        with house.database.transaction() as session:
            ledger.finish(session, new)
    assert look(house, new.id).state == State.DONE


def test_a_heartbeat_keeps_the_claim(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        put(house)
        claim = must_take(house)
        clock.shift(MINUTE / 2)
        ledger.heartbeat(house.database, claim, MINUTE)
        clock.shift(MINUTE * 0.9)
        assert take(house, "other/1/a") is None


def test_a_failure_is_kept_and_the_next_attempt_waits(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        put(house)
        claim = must_take(house)
        ledger.fail(house.database, claim, "the engine said no")
        assert look(house, claim.id).last_error == "the engine said no"
        assert take(house) is None
        clock.shift(timedelta(seconds=3))
        assert must_take(house).attempt == 2


def test_attempts_rest_longer_and_longer_but_not_for_ever() -> None:
    rests = [ledger.backoff(attempt).total_seconds() for attempt in range(1, 40)]
    assert 1 <= rests[0] <= 3
    assert 8 <= rests[3] <= 24
    assert max(rests) <= 1.5 * ledger.LONGEST_REST.total_seconds()


def test_after_its_last_attempt_a_job_has_failed(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        job_id = put(house)
        for _ in range(3):
            ledger.fail(house.database, must_take(house), "no")
            clock.shift(MINUTE)
        assert take(house) is None
    assert look(house, job_id).state == State.FAILED


def test_a_job_that_kills_its_workers_is_written_off(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        job_id = put(house)
        for _ in range(3):
            must_take(house)
            clock.shift(MINUTE)
        assert take(house) is None
    assert look(house, job_id).last_error == ledger.DIED


def test_a_job_that_is_given_back_has_lost_no_attempt(house: House) -> None:
    put(house)
    ledger.give_back(house.database, must_take(house))
    assert must_take(house, "other/1/a").attempt == 1


def test_a_checkpoint_is_there_for_the_next_attempt(house: House) -> None:
    put(house)
    claim = must_take(house)
    ledger.checkpoint(house.database, claim, {"line": 500}, MINUTE)
    ledger.give_back(house.database, claim)
    assert must_take(house).progress == {"line": 500}


def test_jobs_that_wait_under_the_same_key_are_one(house: House) -> None:
    with house.database.transaction() as session:
        first = enqueue(session, "tests.write", unique="r1", run_after=now() + MINUTE)
        assert enqueue(session, "tests.write", unique="r1") == first
        assert enqueue(session, "tests.write", unique="r2") != first
    assert must_take(house).id != must_take(house).id


def test_a_running_job_does_not_stand_for_a_later_change(house: House) -> None:
    with house.database.transaction() as session:
        first = enqueue(session, "tests.write", unique="r1")
    running = must_take(house)
    with house.database.transaction() as session:
        second = enqueue(session, "tests.write", unique="r1")
    assert second != first
    ledger.give_back(house.database, running)
    assert {must_take(house).id, must_take(house).id} == {first, second}


def test_only_what_was_done_long_ago_is_purged(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        put(house, number=1)
        with house.database.transaction() as session:
            ledger.finish(session, must_take(house))
        clock.shift(timedelta(days=10))
        recent = put(house, number=2)
        with house.database.transaction() as session:
            ledger.finish(session, must_take(house))
        assert ledger.purge(house.database, timedelta(days=7)) == 1
    assert look(house, recent).state == State.DONE


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_claiming_and_purging_read_their_indexes_in_order(house: House) -> None:
    """How PostgreSQL does it is looked at in a large catalogue."""
    put(house)
    with issued() as statements:
        must_take(house)
        take(house)
        ledger.purge(house.database, timedelta())
    asked = [one for one in statements if re.search(r"(after|until) <=|_at < ", one.statement)]
    with house.database.engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s.statement}", s.parameters).all())
            for s in asked
        ]
    for index, column in (
        ("due", "run_after"),
        ("leased", "claimed_until"),
        ("ended", "finished_at"),
    ):
        assert any(f"ix_jobs_{index} (state=? AND {column}<?)" in plan for plan in plans), plans
    assert not re.search("ix_jobs_state|B-TREE", str(plans)), plans
