"""A library of a test's own: the application on an embedded default in a temporary folder."""

from __future__ import annotations

from pathlib import Path

from app import config
from app.adapters import open_adapters
from app.catalog.description import Agent, Description
from app.catalog.models import SubjectNode
from app.catalog.services import changes, indexing
from app.catalog.services.ingest import Intake, ingest
from app.database import Base
from app.factory import create_app
from app.identity import tree
from app.publications.sandbox import Examiner
from app.tables import TABLES


class House:
    """The application with helpers to fill it; what is added can be found at once."""

    def __init__(self, folder: Path) -> None:
        self.settings = config.load({"KAIJUAN_DATA_DIR": str(folder)}, folder / "no.env")
        self.adapters = open_adapters(self.settings)
        self.database = self.adapters.database
        Base.metadata.create_all(self.database.engine, tables=TABLES)
        self.app = create_app(self.settings, self.adapters)
        self.client = self.app.test_client()

    def record(self, title: str, *, kind: str = "book", **said: object) -> str:
        """Adds a record and returns its id."""
        said.setdefault("agents", (Agent("曹雪芹"),))
        with self.database.transaction() as session:
            library = tree.default(session)
            description = Description(title=title, **said)  # type: ignore[arg-type]
            row = changes.create(
                session, description, kind=kind, library_id=library.id, account_id=None
            )
        self.index()
        return row.id

    def book(self, path: Path) -> str:
        """Takes in a file and returns the id of its record."""
        with self.database.transaction() as session:
            library = tree.default(session).id
        with Examiner(workers=1) as examiner:
            taken = ingest(Intake(self.database, self.adapters.store, examiner, library), path)
        assert taken.record, taken.findings
        self.index()
        return taken.record

    def withdraw(self, record_id: str) -> None:
        """Leaves a tombstone."""
        with self.database.transaction() as session:
            changes.withdraw(session, changes.load(session, record_id), "权利人的要求", None)
        self.index()

    def subjects(self, *nodes: tuple[str, str, str | None]) -> None:
        """Adds classes: notation, label, parent."""
        with self.database.transaction() as session:
            parents = {parent for _, _, parent in nodes}
            session.add_all(
                SubjectNode(scheme="clc", code=code, label=label, parent_code=parent,
                            has_children=code in parents)
                for code, label, parent in nodes
            )  # fmt: skip

    def index(self) -> None:
        """Lets the index catch up."""
        while indexing.drain(self.database, self.adapters.index):
            pass

    def get(self, path: str, **options: object) -> str:
        """The text of a page that must be there."""
        answer = self.client.get(path, **options)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.text

    def close(self) -> None:
        """Lets go of the engines."""
        self.adapters.index.close()
        self.database.close()
