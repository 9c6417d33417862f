"""Telling clients that sessions have ended: each in a thread of its own, none waiting for others.

Handed to the worker as a drain: one worker leads it, and others may be at it beside it for a while
without harm.
"""

from __future__ import annotations

from queue import Empty, Queue
from threading import Thread

import structlog

from app.database import Database
from app.outgoing.ports import OutgoingError, Web
from app.signon.services import endings, logout_notices
from app.signon.services.endings import Batch, Ending
from app.signon.services.logout_notices import Sign

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Clients that are told at the same time."""
LOOK = 0.25
"""Seconds after which is looked again while some are being told."""


class Teller:
    """Tells whoever is to be told; a drain (:mod:`app.jobs.chores`)."""

    def __init__(self, database: Database, web: Web, sign: Sign) -> None:
        self._database, self._web, self._sign = database, web, sign
        self._busy: set[str] = set()
        self._done: Queue[str] = Queue()

    def __call__(self) -> int:
        """Begins to tell one more client, or waits for one to be done; how many are at it."""
        self._collect(0)
        batch = None
        if len(self._busy) < AT_ONCE:
            batch = endings.take(self._database, self._busy)
        if batch is not None:
            self._busy.add(batch.client_id)
            Thread(target=self._tell, args=(batch,), daemon=True, name="telling").start()
        elif self._busy:
            self._collect(LOOK)
        return len(self._busy)

    def _collect(self, patience: float) -> None:
        try:
            self._busy.discard(self._done.get(patience > 0, patience))
            while True:
                self._busy.discard(self._done.get_nowait())
        except Empty:
            pass

    def _tell(self, batch: Batch) -> None:
        try:
            self.tell(batch)
        except Exception:
            log.exception("a client could not be told", client=batch.client_id)
        finally:
            self._done.put(batch.client_id)

    def tell(self, batch: Batch) -> None:
        """Tells one client what it is to be told, until it does not answer."""
        told: list[str] = []
        failed: list[Ending] = []
        is_away = False
        for one in batch.endings:
            is_away = is_away or self._is_away(batch, one, told)
            if one.id not in told:
                failed.append(one)
        given_up = self._database.run(
            lambda s: endings.settle(s, batch, told, failed, is_away=is_away)
        )
        if given_up:
            log.warning("a client was not told of ends", client=batch.client_id, count=given_up)

    def _is_away(self, batch: Batch, one: Ending, told: list[str]) -> bool:
        """Tells it; whether the client does not answer, so that no more is tried now."""
        asked = logout_notices.notice(self._sign, batch.client_id, batch.settings, one)
        if asked is None:
            told.append(one.id)
            return False
        try:
            answer = self._web.ask(asked)
        except OutgoingError:
            return True
        if logout_notices.is_told(batch.settings, answer):
            told.append(one.id)
        return answer.status >= 500
