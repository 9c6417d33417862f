"""A library of a test's own: the application on an embedded default in a temporary folder.

With ``--on-engines`` the same, on the engines that the environment names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any, cast

import engines
import haste
import msgspec
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import background, config
from app.adapters import Adapters, open_adapters
from app.catalog import formats
from app.catalog.description import Agent, Description
from app.catalog.models import SubjectNode
from app.catalog.services import changes, healing, indexing
from app.catalog.services.importing import Report, import_records
from app.catalog.services.ingest import Ingested, Intake, ingest
from app.factory import create_app
from app.identity import accounts, tree
from app.jobs.pulse import Pulse
from app.jobs.runner import Runner
from app.publications.sandbox import Examiner
from search.alias import AliasedIndex
from search.index import SearchError

ENGINES = tuple(
    f"KAIJUAN_{name}_URL" for name in ("DATABASE", "STORAGE", "SEARCH", "QUEUE", "CACHE")
)
KEY = "a key of tests and of nothing else but tests"


class House:
    """The application with helpers to fill it; what is added can be found at once."""

    def __init__(self, folder: Path, **settings: str) -> None:
        given = {f"KAIJUAN_{name.upper()}": value for name, value in settings.items()}
        environ = {**environ_of(folder), "KAIJUAN_SECRET_KEYS": KEY, **given}
        self.settings = config.load(environ, folder / "no.env")
        is_embedded = not any(environ.get(name) for name in ENGINES)
        if is_embedded:
            haste.copy_empty(folder, ENGINES)
        self.adapters = open_adapters(self.settings)
        self.database = self.adapters.database
        if engines.here:
            engines.here.hold(folder)
        if self.database.is_sqlite:
            event.listen(self.database.engine, "connect", _hurry)
        if self.database.is_sqlite and not is_embedded:
            with self.database.engine.begin() as connection:
                haste.make_tables(connection)
        with suppress(SearchError):  # there are tests of engines that are away
            healing.judge(self.database, cast(AliasedIndex, self.adapters.index))
        self.open_doors()

    def open_doors(self, adapters: Adapters | None = None) -> None:
        """Makes the application, over other engines where a test brings some."""
        self.app = create_app(self.settings, adapters or self.adapters)
        self.client = self.app.test_client()

    def record(
        self, title: str, *, kind: str = "book", library: str | None = None, **said: Any
    ) -> str:
        """Adds a record and returns its id; what is not of its description is of its row."""
        row = {n: said.pop(n) for n in ("policy", "audience", "state", "parent_id") if n in said}
        said.setdefault("agents", (Agent("曹雪芹"),))
        with self.database.transaction() as session:
            owner = library or tree.default(session).id
            made = changes.create(
                session,
                Description(title=title, **said),
                kind=kind,
                library_id=owner,
                account_id=None,
                **row,
            )
        self.index()
        return made.id

    def take(self, path: Path, library: str | None = None) -> Ingested:
        """Takes in a file and returns what happened to it."""
        with self.database.transaction() as session:
            owner = library or tree.default(session).id
        with Examiner(workers=1) as examiner:
            return ingest(Intake(self.database, self.adapters.store, examiner, owner), path)

    def book(self, path: Path) -> str:
        """Takes in a file and returns the id of its record."""
        taken = self.take(path)
        assert taken.record, taken.findings
        self.index()
        return taken.record

    def import_file(self, path: Path, library: str | None = None, **options: Any) -> Report:
        """Imports a file of records."""
        with self.database.transaction() as session:
            owner = library or tree.default(session).id
        source = formats.open_format(path, library=owner)
        return import_records(self.database, source, path, library_id=owner, **options)

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

    def network(self) -> None:
        """Two provinces below the nation, and a city in the first."""
        with self.database.transaction() as session:
            tree.add(session, "nation", "国家图书馆", "national", None)
            tree.add(session, "north", "北省图书馆", "province", "nation")
            tree.add(session, "south", "南省图书馆", "province", "nation")
            tree.add(session, "north-1", "北一市图书馆", "city", "north")

    def token(
        self, role: str = "cataloguer", library: str | None = None, days: float = 1
    ) -> dict[str, str]:
        """The headers of a service that has this role."""
        return {"Authorization": f"Bearer {self.secret('token', role, library, days)}"}

    def secret(
        self, kind: str, role: str | None, library: str | None = None, days: float = 1
    ) -> str:
        """A secret of a new account with this role: a token, a proven session, or a link."""
        with self.database.transaction() as session:
            account = accounts.add_account(session, "馆员")
            if role:
                owner = library or tree.default(session).id
                accounts.grant(session, account.id, role, owner)
            methods = "pwd,otp" if kind == "session" else ""
            life = timedelta(days=days)
            return accounts.issue(session, account.id, kind, life=life, methods=methods)

    def index(self) -> None:
        """Lets the index catch up."""
        while indexing.drain(self.database, self.adapters.index):
            pass

    def work(self) -> None:
        """Does every job that is due."""
        runner = Runner(
            self.database,
            background.registry(),
            self.adapters,
            name="tests",
            pulse=Pulse(),
            stopping=Event(),
        )
        while runner.step():
            pass

    def get(self, path: str, **options: Any) -> str:
        """The text of a page that must be there."""
        answer = self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.text

    def json(self, path: str, **options: Any) -> Any:
        """The JSON of an answer that must be there."""
        return msgspec.json.decode(self.get(path, **options))

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        """A request with a JSON body."""
        return self.client.open(path, method=method, json=body, headers=headers)

    def close(self) -> None:
        """Lets go of the engines."""
        self.adapters.index.close()
        self.database.close()
        if engines.here:
            engines.here.let_go(self.settings.data_dir)


def environ_of(folder: Path) -> dict[str, str]:
    """The settings of the library in this folder, for commands and processes of its own."""
    environ = engines.here.environ(folder) if engines.here else dict.fromkeys(ENGINES, "")
    return {"KAIJUAN_DATA_DIR": str(folder), **environ}


def _hurry(connection: Any, _record: object) -> None:
    """No test here cuts the power: what a killed process had committed is kept all the same."""
    connection.execute("PRAGMA synchronous=OFF")


def json_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """A file of records in the exchange form; what names them is made up where it is left out."""
    with path.open("wb") as file:
        for number, record in enumerate(records, 1):
            whole = {"src": "tests", "id": str(number), "title": f"第{number}部书", **record}
            file.write(msgspec.json.encode(whole) + b"\n")
    return path
