"""A follower of the feed: keeps a mirror by what it is told."""

from __future__ import annotations

from typing import Any

from house import House
from sqlalchemy import select

from app.catalog.models import RecordRow
from app.catalog.queries.feed import START
from app.catalog.services import feed
from app.database import Database

PUBLIC = ("public",)


class Follower:
    """Follows over HTTP; ``seen`` is every line that it was told, in order."""

    def __init__(self, house: House, headers: dict[str, str] | None = None) -> None:
        self.house, self.headers = house, headers or {}
        self.mirror: dict[str, dict[str, Any]] = {}
        self.since = ""

    def look(self, limit: int = 100) -> list[dict[str, Any]]:
        """Comes again, and takes over what is new."""
        told: list[dict[str, Any]] = []
        more = True
        while more:
            path = f"/api/v1/changes?since={self.since}&limit={limit}"
            answer = self.house.json(path, headers=self.headers)
            told += answer["items"]
            self.since, more = answer["next"], answer["more"]
        self.mirror |= {line["id"]: line for line in told}
        return told

    def states(self) -> dict[str, str]:
        """What became of each record that it knows."""
        return {record_id: line["state"] for record_id, line in self.mirror.items()}


class Poller:
    """Follows in the process, without HTTP; ``told`` is every (id, version), in order."""

    def __init__(self, database: Database) -> None:
        self.database, self.after = database, START
        self.told: list[tuple[str, int | None]] = []

    def look(self, limit: int = 100) -> list[str]:
        """The ids that are new."""
        told: list[tuple[str, int | None]] = []
        more = True
        while more:
            with self.database.transaction(writes=False) as session:
                horizon = feed.clock(session).horizon
                page = feed.page(session, PUBLIC, self.after, horizon, limit)
            told += [(line.id, line.version) for line in page.lines]
            self.after, more = page.after, page.more
        self.told += told
        return [record_id for record_id, _ in told]


def standing(database: Database) -> dict[str, int]:
    """Every record and its version, as the database has them."""
    with database.transaction(writes=False) as session:
        rows = session.execute(select(RecordRow.id, RecordRow.version))
        return {row.id: row.version for row in rows}
