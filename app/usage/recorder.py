"""Noting a use while an answer is on its way: one append to the spool, never the database."""

from __future__ import annotations

from hashlib import blake2b

import structlog

from app.database import now
from app.usage.facts import AccessType, Event, Fact
from app.usage.spool import Spool

logger = structlog.get_logger("kaijuan")


class Recorder:
    """Writes facts to the spool. A spool that is full or away costs a fact, never an answer."""

    def __init__(self, spool: Spool, key: str) -> None:
        self._spool = spool
        self._key = blake2b(key.encode(), digest_size=32, person=b"usage").digest()

    def visit(self, address: str, agent: str) -> str:
        """An opaque id for this visitor today: cannot be traced back, nor joined with tomorrow's.

        COUNTER 5.1 §7.2 counts sessions by address, agent and hour where there is no log-in.
        """
        text = f"{now():%Y-%m-%dT%H}|{address}|{agent}".encode()
        return blake2b(text, key=self._key, digest_size=12).hexdigest()

    def search(self, visit: str, found: int, words: str, platform: str = "api") -> None:
        """A search; its words are kept only when it found nothing."""
        kept = words if not found else ""
        self._note(Fact(at=now(), event=Event.SEARCH, session=visit, platform=platform,
                        found=found, words=kept))  # fmt: skip

    def use(
        self,
        event: Event,
        visit: str,
        *,
        record: str,
        kind: str,
        library: str,
        title: str = "",
        year: int | None = None,
        open_access: bool = True,
        platform: str = "api",
    ) -> None:
        """A record was looked at, opened or downloaded."""
        self._note(
            Fact(
                at=now(),
                event=event,
                session=visit,
                platform=platform,
                record=record,
                title=title,
                kind=kind,
                library=library,
                access_type=AccessType.OPEN if open_access else AccessType.CONTROLLED,
                year_of_publication=f"{year:04}" if year and 0 < year <= 9999 else "",
            )
        )

    def _note(self, fact: Fact) -> None:
        try:
            self._spool.append(fact)
        except OSError as error:
            logger.error("usage-lost", error=str(error))
