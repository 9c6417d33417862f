"""What becomes of a job, by how its step ends."""

import pytest
import time_machine
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.errors import UnavailableError
from app.jobs import enqueue, ledger
from app.jobs.errors import GiveUpError
from app.jobs.models import Job, State
from app.jobs.registry import Registry, Step
from app.jobs.work import Work

from .house import MINUTE, START, House, written


def put(house: House, run: Step[list[str]], kind: str = "tests.step") -> str:
    house.registry.job(kind, max_attempts=2, lease=MINUTE)(run)
    with house.database.transaction() as session:
        return enqueue(session, kind, key="k")


def look(house: House, job_id: str) -> Job:
    with house.database.transaction(writes=False) as session:
        return session.scalars(select(Job).where(Job.id == job_id)).one()


def rows(house: House) -> list[str]:
    with house.database.transaction(writes=False) as session:
        return list(session.scalars(select(written.c.key)))


def write_row(session: Session) -> None:
    session.execute(insert(written).values(key="k"))


def test_what_a_job_writes_and_its_end_are_one_transaction(house: House) -> None:
    job_id = put(house, lambda work: work.finish(write_row))
    assert house.runner().step()
    assert (rows(house), look(house, job_id).state) == (["k"], State.DONE)
    assert not house.runner().step()


def test_a_job_that_just_returns_is_done(house: House) -> None:
    job_id = put(house, lambda work: work.context.append(work.payload["key"]))
    house.runner().step()
    assert (house.done, look(house, job_id).state) == (["k"], State.DONE)


def test_what_cannot_be_written_fails_the_job_and_leaves_nothing(house: House) -> None:
    def twice(session: Session) -> None:
        write_row(session)
        write_row(session)

    job_id = put(house, lambda work: work.finish(twice))
    house.runner().step()
    job = look(house, job_id)
    assert (rows(house), job.state, job.attempts) == ([], State.WAITING, 1)
    assert "IntegrityError" in (job.last_error or "")


def test_a_job_that_was_taken_over_meanwhile_writes_nothing(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:

        def overtaken(work: Work[list[str]]) -> None:
            clock.shift(MINUTE)
            assert ledger.claim(house.database, "other/1/a", house.leases())
            work.finish(write_row)

        job_id = put(house, overtaken)
        house.runner().step()
    assert rows(house) == []
    assert look(house, job_id).worker == "other/1/a"


def test_an_engine_that_is_away_costs_no_attempt(house: House) -> None:
    def away(_: Work[list[str]]) -> None:
        raise UnavailableError("The search engine")

    with time_machine.travel(START, tick=False) as clock:
        job_id = put(house, away)
        for _ in range(5):
            assert house.runner().step()
            clock.shift(MINUTE)
        job = look(house, job_id)
    assert (job.state, job.attempts) == (State.WAITING, 0)
    assert "search engine" in (job.last_error or "")


def test_a_job_that_gives_up_is_not_tried_again(house: House) -> None:
    def give_up(_: Work[list[str]]) -> None:
        raise GiveUpError("The file is gone.")

    job_id = put(house, give_up)
    house.runner().step()
    job = look(house, job_id)
    assert (job.state, job.attempts, job.last_error) == (State.FAILED, 1, "The file is gone.")


def test_a_stopping_worker_gives_back_at_the_next_checkpoint(house: House) -> None:
    def long(work: Work[list[str]]) -> None:
        house.stopping.set()
        work.checkpoint({"line": 7})
        work.context.append("went on")

    job_id = put(house, long)
    house.runner().step()
    job = look(house, job_id)
    assert (job.state, job.attempts, job.progress) == (State.WAITING, 0, {"line": 7})
    assert house.done == []


def test_what_is_given_back_while_it_runs_cannot_be_finished(house: House) -> None:
    runner = house.runner()

    def slow(work: Work[list[str]]) -> None:
        runner.give_back()
        work.finish(write_row)

    job_id = put(house, slow)
    runner = house.runner()
    runner.step()
    assert (rows(house), look(house, job_id).state) == ([], State.WAITING)


def test_registries_are_put_together_and_a_name_is_declared_once() -> None:
    part: Registry[list[str]] = Registry()
    part.job("tests.one")(lambda work: work.finish())
    whole = Registry(part)
    assert list(whole.kinds) == ["tests.one"]
    with pytest.raises(ValueError, match="declared twice"):
        Registry(part, part)
