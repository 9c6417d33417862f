"""What a job is handed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from app.database import Database
from app.jobs import ledger
from app.jobs.errors import LostClaimError, StoppingError
from app.jobs.ledger import Claim, JsonObject

C = TypeVar("C")


class Work(Generic[C]):
    """One attempt at one job.

    What the job does outside the database lies between transactions and can be repeated under
    ``id``; what it writes into the database it writes in ``finish``.
    """

    def __init__(
        self, context: C, database: Database, claim: Claim, *, lease: timedelta, stopping: Event
    ) -> None:
        self.context = context
        self.database = database
        self.lost = Event()
        self._claim, self._lease, self._stopping = claim, lease, stopping
        self._progress = claim.progress
        self._is_finished = False

    @property
    def id(self) -> str:
        """The job's id, the same in every attempt: name outside effects by it."""
        return self._claim.id

    @property
    def payload(self) -> Mapping[str, Any]:
        """The ids that the job was enqueued with."""
        return self._claim.payload

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._claim.attempt

    @property
    def progress(self) -> JsonObject | None:
        """The last checkpoint, of this or an earlier attempt."""
        return self._progress

    @property
    def is_finished(self) -> bool:
        """Whether the finishing transaction has been committed."""
        return self._is_finished

    def check(self) -> None:
        """For loops without checkpoints: raises when going on would be for nothing.

        :raises LostClaimError: when another worker has the job.
        :raises StoppingError: when this worker is to stop.
        """
        if self.lost.is_set():
            raise LostClaimError(f"job {self.id}", self._claim.token)
        if self._stopping.is_set():
            raise StoppingError

    def checkpoint(self, progress: JsonObject) -> None:
        """Keeps ``progress`` in a transaction of its own; the next attempt goes on from there.

        :raises LostClaimError: when another worker has the job.
        :raises StoppingError: when this worker is to stop; the progress is kept.
        """
        ledger.checkpoint(self.database, self._claim, progress, self._lease)
        self._progress = progress
        self.check()

    def finish(self, write: Callable[[Session], None] | None = None) -> None:
        """Commits what ``write`` does and the end of the job in one transaction, or neither.

        A job that returns without this is finished with nothing to write.

        :raises LostClaimError: when another worker has the job; nothing has then been written.
        """

        def end(session: Session) -> None:
            ledger.finish(session, self._claim)
            if write is not None:
                write(session)

        self.database.run(end)
        self._is_finished = True
