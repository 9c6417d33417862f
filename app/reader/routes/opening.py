"""Opening what may be used: where readers are limited in number, opening takes a place.

No client needs to know of it. What opens a publication (its manifest, its file) begins a use or
goes on with it; reading its parts goes on with it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import cast

from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.wsgi import ClosingIterator

from app.catalog.queries.records import Found
from app.catalog.routes.noting import denied
from app.database import Database, now
from app.errors import KaijuanError, NotUsableError
from app.identity import access
from app.identity.accounts import Known
from app.identity.conditions import REMEDIES, Reason
from app.identity.services import uses
from app.identity.services.circumstances import Now
from app.identity.services.uses import Running
from app.permissions import Caller
from app.usage.recorder import Recorder

ASKED_ABOUT = Running("0" * 32, datetime.max.replace(tzinfo=UTC))
"""What HEAD is answered with: it takes no place, and what it names opens nothing."""


@dataclass(frozen=True, slots=True)
class Places:
    """Takes places for readers, in transactions of its own: what opens a publication is a read.

    An installation that takes no changes cannot count, and lets nobody in by number.
    """

    database: Database
    usage: Recorder
    is_read_only: bool

    def open(self, session: Session, caller: Caller, found: Found) -> Running | None:
        """The use of a record that the caller may open; ``None`` where nothing is counted.

        :raises NotUsableError: when they may not, or all places are taken: that is noted.
        """
        with self.noting(caller, found):
            facts = Now(session, caller)
            access.require_use(caller, found, facts)
            if not access.numbers(found, facts):
                return None
            if request.method == "HEAD":
                return ASKED_ABOUT
            if self.is_read_only:
                raise NotUsableError(Reason.NOT_COUNTED, REMEDIES[Reason.NOT_COUNTED])
            known = getattr(caller, "known", None)
            device = known.credential_id if isinstance(known, Known) else None
            return self.database.run(lambda writing: uses.begin(writing, caller, found, device))

    @contextmanager
    def noting(self, caller: Caller, found: Found) -> Iterator[None]:
        """Notes that somebody who would open a record is turned away."""
        try:
            yield
        except NotUsableError as refused:
            denied(self.usage, caller, found, refused.reason)
            raise

    def read_on(self, answer: Response, use_id: str, until: datetime | None) -> Response:
        """Goes on with a use that has little left, once its part is sent."""
        is_due = until is not None and until - now() < uses.RENEWED
        if not is_due or self.is_read_only or request.method == "HEAD":
            return answer
        if answer.direct_passthrough:  # then nobody closes the answer, only what it iterates over
            sent = cast("Iterable[bytes]", answer.response)
            answer.response = ClosingIterator(sent, partial(self._read_on, use_id))
        else:
            answer.call_on_close(partial(self._read_on, use_id))
        return answer

    def _read_on(self, use_id: str) -> None:
        """Nobody waits for it: where it fails, the next part tries again."""
        with suppress(KaijuanError):
            self.database.run(lambda session: uses.read_on(session, use_id))
