"""Runs jobs, one at a time, and writes into the ledger how each ended."""

from __future__ import annotations

import traceback
from datetime import timedelta
from functools import partial
from threading import Event, Lock
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.errors import KaijuanError, UnavailableError
from app.jobs import ledger
from app.jobs.errors import GiveUpError, LostClaimError, StoppingError
from app.jobs.ledger import Claim
from app.jobs.pulse import Pulse
from app.jobs.registry import Kind, Registry
from app.jobs.work import Work

log = structlog.get_logger(__name__)

C = TypeVar("C")

AWAY = timedelta(seconds=15)
"""How long a job rests that found an engine away; such an attempt is not counted."""


class Runner(Generic[C]):
    """Claims and runs jobs under one worker's name. Threads may share it."""

    def __init__(
        self,
        database: Database,
        registry: Registry[C],
        context: C,
        *,
        name: str,
        pulse: Pulse,
        stopping: Event,
        away: tuple[type[Exception], ...] = (UnavailableError,),
    ) -> None:
        self._database, self._registry, self._context = database, registry, context
        self._name, self._pulse, self._stopping = name, pulse, stopping
        self._away = away
        self._leases = {kind.name: kind.lease for kind in registry.kinds.values()}
        self._claims: dict[str, Claim] = {}
        self._lock = Lock()

    def step(self) -> bool:
        """Does one job if any is due; ``False`` when there was nothing to do.

        What the job raises ends in the ledger; only what the ledger itself fails with comes out of
        here, and leaves the claim to run out.
        """
        claim = ledger.claim(self._database, self._name, self._leases)
        if claim is None:
            return False
        with self._lock:
            self._claims[claim.id] = claim
        try:
            self._run(self._registry.kinds[claim.kind], claim)
        except LostClaimError:
            log.warning("job taken over", job=claim.id, kind=claim.kind, attempt=claim.attempt)
        finally:
            with self._lock:
                del self._claims[claim.id]
        return True

    def give_back(self) -> None:
        """Gives every job still running back to the ledger; what it goes on to write is refused.

        A claim that cannot be given back runs out.
        """
        with self._lock:
            claims = list(self._claims.values())
        for claim in claims:
            try:
                ledger.give_back(self._database, claim)
            except LostClaimError:
                continue
            except (SQLAlchemyError, KaijuanError) as error:
                log.warning("job not given back", job=claim.id, error=str(error))
                continue
            log.info("job given back", job=claim.id, kind=claim.kind)

    def _run(self, kind: Kind[C], claim: Claim) -> None:
        work = Work(self._context, self._database, claim, lease=kind.lease, stopping=self._stopping)
        renew = partial(ledger.heartbeat, self._database, claim, kind.lease)
        try:
            with self._pulse.holding(renew, kind.lease, work.lost):
                kind.run(work)
                if not work.is_finished:
                    work.finish()
        except LostClaimError:
            raise
        except StoppingError:
            ledger.give_back(self._database, claim)
        except self._away as error:
            log.warning("job waits for an engine", job=claim.id, kind=claim.kind, error=str(error))
            ledger.give_back(self._database, claim, error=str(error), rest=AWAY)
        except GiveUpError as error:
            log.warning("job gave up", job=claim.id, kind=claim.kind, error=str(error))
            ledger.fail(self._database, claim, str(error), again=False)
        except Exception as error:
            log.exception("job failed", job=claim.id, kind=claim.kind, attempt=claim.attempt)
            ledger.fail(self._database, claim, "".join(traceback.format_exception(error)))
