"""Libraries to back up, and what makes two of them equal."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from archives import epub
from click.testing import CliRunner, Result
from house import KEY, House, environ_of, json_lines
from sqlalchemy import select, update

from app.adapters import Adapters
from app.cli import main
from app.database import Database, from_micros, now
from app.identity import tree
from app.jobs import enqueue
from app.jobs.models import Job, LeaseRow
from app.operating.backup.snapshot import tables_of

OWN = {"leases", "change_clock", "dirty_records", "audit_events", "audit_pending"}
"""Tables that a restore means to leave otherwise than they were."""
KILLING = """
import importlib, os, signal, sys
module, _, name = sys.argv.pop(1).partition(":")
owner = importlib.import_module(module)
*path, last = name.split(".")
for step in path:
    owner = getattr(owner, step)
setattr(owner, last, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
from app.cli import main
main()
"""


def environ(folder: Path, **settings: str) -> dict[str, str]:
    """The settings of the library in this folder, with the secret that a House has."""
    return {**environ_of(folder), "KAIJUAN_SECRET_KEYS": KEY, **settings}


def run(folder: Path, *arguments: str | Path, **settings: str) -> Result:
    """The command line on the library in this folder."""
    given = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, given, env=environ(folder, **settings))


def said(folder: Path, *arguments: str | Path, code: int = 0, **settings: str) -> Any:
    """The JSON of a command."""
    result = run(folder, *arguments, "--json", **settings)
    assert result.exit_code == code, (result.output, result.exception)
    return msgspec.json.decode(result.stdout)


def killed(stage: str, folder: Path, *arguments: str | Path) -> None:
    """The command line in a process that dies where ``stage`` (module:name) is called."""
    command = [sys.executable, "-c", KILLING, stage, *map(str, arguments)]
    environment = {**os.environ, **environ(folder)}
    died = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()


def elsewhere(folder: Path, *arguments: str | Path) -> Any:
    """The JSON of a command in a process of its own, so that threads of this one may go on."""
    command = [sys.executable, "-c", "from app.cli import main; main()"]
    environment = {**os.environ, **environ(folder)}
    done = subprocess.run(
        [*command, *map(str, arguments), "--json"],
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    return msgspec.json.decode(done.stdout)


def library(folder: Path, **settings: str) -> House:
    """An empty library whose schema was made by the migrations."""
    assert run(folder, "migrate", **settings).exit_code == 0
    given = {name.removeprefix("KAIJUAN_").lower(): value for name, value in settings.items()}
    return House(folder, **given)


def filled(folder: Path, **settings: str) -> House:
    """A library with something of everything."""
    house = library(folder, **settings)
    house.network()
    house.withdraw(house.record("被撤下的书"))
    house.record("红楼梦", audience="public")
    house.book(epub(folder.parent / "book.epub", more={"读.mp3": b"\xff\xfb" * 3_000_000}))
    lines = json_lines(folder.parent / "lines.jsonl", [{"title": "县志"}, {"title": ""}, {}])
    house.import_file(lines)
    house.secret("token", "cataloguer")
    house.get("/api/v1/search?q=红楼")
    send(house, b'{"src": "sent", "id": "1", "title": "sent"}\n')
    return house


def send(house: House, body: bytes) -> None:
    """An import that a worker has begun, and whose file it still needs."""
    house.adapters.store.put_bytes("intake/sent", body)
    with house.database.transaction() as session:
        owner = tree.default(session).id
        ids = {"key": "intake/sent", "name": "sent.jsonl", "format": None, "account": None}
        job = enqueue(session, "catalog.import_records", library=owner, **ids)
        running = {"state": "running", "worker": "elsewhere", "attempts": 1, "token": 1}
        session.execute(
            update(Job)
            .where(Job.id == job)
            .values(claimed_until=from_micros(4 * 10**15), **running)
        )
        session.add(LeaseRow(name="jobs.purge", holder="elsewhere", until=now(), token=3))


def rows_of(
    database: Database, without: set[str] | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, the columns ``without`` left out."""
    found = {}
    with database.transaction(writes=False) as session:
        for table in tables_of(session.connection()):
            names = [c for c in table.columns if c.name not in (without or set())]
            if table.name not in OWN:
                rows = [tuple(row) for row in session.execute(select(*names))]
                found[table.name] = sorted(rows, key=repr)
    return found


def jobs_apart(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """All but the jobs, which a restore gives back to whoever comes."""
    return {name: table for name, table in rows.items() if name != "jobs"}


def bytes_of(adapters: Adapters) -> dict[str, str]:
    """The digest of every object of the store."""
    store = adapters.store
    return {key: hashlib.sha256(store.read(key)).hexdigest() for key in store.keys("")}
