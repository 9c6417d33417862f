"""A fact about use: what COUNTER 5.1 counts from, and nothing that names a reader."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from uuid_utils import uuid7

LONGEST_WORDS = 200
"""Characters kept of a query that found nothing."""


class Event(StrEnum):
    """What was done. Metric types are derived: see :meth:`investigates` and :meth:`requests`."""

    SEARCH = "search"
    VIEW = "view"
    OPEN = "open"
    DOWNLOAD = "download"
    NO_LICENSE = "no-license"
    """Turned away: the content is not for them (COUNTER 5.1, No_License)."""
    LIMIT_EXCEEDED = "limit-exceeded"
    """Turned away: as many use it as may (COUNTER 5.1, Limit_Exceeded)."""

    @property
    def investigates(self) -> bool:
        """Whether it counts as an investigation: any use of a record (COUNTER 5.1, Metric_Type)."""
        return self in {Event.VIEW, Event.OPEN, Event.DOWNLOAD}

    @property
    def requests(self) -> bool:
        """Whether it counts as a request: the content was asked for (COUNTER 5.1, Metric_Type)."""
        return self in {Event.OPEN, Event.DOWNLOAD}


class AccessType(StrEnum):
    """On what terms the content could be used then (COUNTER 5.1, Access_Type)."""

    CONTROLLED = "Controlled"
    OPEN = "Open"
    FREE_TO_READ = "Free_To_Read"


class AccessMethod(StrEnum):
    """Whether a person or a text miner came (COUNTER 5.1, Access_Method)."""

    REGULAR = "Regular"
    TDM = "TDM"


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One use. Ids are opaque: nothing here points into other tables.

    Raises:
        ValueError: a time without its zone, or words of a search that found something.
    """

    at: datetime
    """Aware, UTC, to the microsecond."""
    event: Event
    id: str = msgspec.field(default_factory=lambda: str(uuid7()))
    """What makes delivery idempotent; in the order of writing."""
    record: str = ""
    """The catalogue record used; empty for searches. COUNTER's item."""
    title: str = ""
    """The record the item is a part of, where it is one: for Unique_Title and parents."""
    kind: str = ""
    """The record's kind then; COUNTER's Data_Type is derived from it."""
    library: str = ""
    """The library that owns the record, or whose portal was searched."""
    session: str = ""
    """Opaque, one a session: for unique counts and double clicks (30 s)."""
    platform: str = ""
    """The face it came by: web, app, opds …"""
    access_type: AccessType = AccessType.CONTROLLED
    access_method: AccessMethod = AccessMethod.REGULAR
    year_of_publication: str = ""
    """YYYY, or empty where nobody knows (reported as 0001)."""
    found: int = 0
    """How many records a search found."""
    words: str = ""
    """The query, of searches that found nothing; the others' are never kept."""

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"not a time in UTC: {self.at}")
        if self.words and (self.event is not Event.SEARCH or self.found):
            raise ValueError("words are kept only of searches that found nothing")
        if len(self.words) > LONGEST_WORDS:
            msgspec.structs.force_setattr(self, "words", self.words[:LONGEST_WORDS])
