"""``kaijuan doctor``: every engine and invariant, and how to mend what is wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import msgspec
from joserfc.errors import JoseError
from sqlalchemy import func, select

from app import config
from app.adapters import Adapters, open_adapters
from app.catalog.models import DirtyRecord, HeldPublication, RecordRow, StoredPublication
from app.catalog.services import dirty
from app.config import Settings
from app.database import now, rfc3339
from app.identity import tree
from app.identity.services import homes
from app.jobs import queries as jobs
from app.jobs.bell import open_bell
from app.operating.unfinished import restored_from
from app.readiness import checks_of
from app.room import LEAST, Room
from app.signon.keys import Keys
from app.signon.models import Client, SignOn
from app.storage.errors import ObjectNotFoundError
from app.storage.keys import key_of
from app.terminal import json_option, refusals, show

SAMPLE = 1_000
LISTED = 10
"""So many records that the index refuses are named."""
PLENTY = 1024 * 1024 * 1024
"""Bytes below which somebody should look."""
PATIENCE = 20.0
"""Seconds for the engines to answer: longer than any of their own timeouts."""
LATE = timedelta(hours=1)
"""So long a system may wait to be told of a session that has ended, before something is wrong."""
STALE = 60.0
"""Seconds a change may wait for the index before something is wrong."""


class Diagnosis(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at; ``mend`` says what to do when it is not well."""

    what: str
    ok: bool
    detail: str = ""
    mend: str = ""


def examine(settings: Settings, adapters: Adapters) -> list[Diagnosis]:
    """Looks at everything that can be looked at: what needs an engine that is away is left out."""
    states = checks_of(adapters, open_bell(settings.queue_url), patience=PATIENCE).run()
    well = {name for name, state in states.items() if state.ok}
    found = [
        Diagnosis(f"engine: {name}", state.ok, state.detail, "" if state.ok else _ENGINES[name])
        for name, state in states.items()
    ]
    return found + [look(settings, adapters) for look, needed in _looks() if needed <= well]


def _looks() -> tuple[tuple[Callable[[Settings, Adapters], Diagnosis], set[str]], ...]:
    """Every look, and the engines without which it cannot be had."""
    tables = {"database", "schema", "dirty_set"}
    return (
        (_restored, {"database"}),
        (_secrets, set()),
        (_settings_known, set()),
        (_room, set()),
        (_dirty_set, tables),
        (_refused, tables),
        (_index, {*tables, "index"}),
        (_bytes, {*tables, "store"}),
        (_jobs, tables),
        (_readers, tables),
        (_tree, tables),
        (_keys, tables),
        (_notices, tables),
    )


_ENGINES = {
    "database": "Look at KAIJUAN_DATABASE_URL.",
    "schema": "Run `kaijuan migrate`.",
    "store": "Look at KAIJUAN_STORAGE_URL, its rights and free space. Meanwhile no book opens, "
    "nothing can be sent in, and jobs wait.",
    "index": "Look at KAIJUAN_SEARCH_URL and at the engine. Meanwhile readers find by title and "
    "number alone. An index that is empty is built anew by a worker; when one is unreadable, run "
    "`kaijuan reindex`.",
    "queue": "Look at KAIJUAN_QUEUE_URL. Meanwhile workers look for work every second.",
    "cache": "Look at KAIJUAN_CACHE_URL. Meanwhile everything is read anew each time.",
    "dirty_set": "Run `kaijuan migrate`.",
}


def _settings_known(_settings: Settings, _adapters: Adapters) -> Diagnosis:
    unknown = sorted(config.unknown_names())
    mend = (
        f"Nothing reads {', '.join(unknown)}: see docs/operations/settings.md." if unknown else ""
    )
    return Diagnosis("every setting is known", not unknown, ", ".join(unknown), mend)


def _room(settings: Settings, _adapters: Adapters) -> Diagnosis:
    free = Room(settings.data_dir).free()
    detail = f"{free / 2**20:,.0f} MiB free for {settings.data_dir}"
    mend = f"Below {LEAST // 2**20} MiB changes are refused: make room." if free < PLENTY else ""
    return Diagnosis("room on the disk", free >= PLENTY, detail, mend)


def _restored(_settings: Settings, adapters: Adapters) -> Diagnosis:
    name = restored_from(adapters.database)
    mend = f"Run `kaijuan restore TARGET {name}` again: it goes on." if name else ""
    return Diagnosis("no restore is left undone", not name, name or "", mend)


def _secrets(settings: Settings, _adapters: Adapters) -> Diagnosis:
    loose = [path for path in _secret_files(settings.data_dir) if _is_loose(path)]
    names = ", ".join(path.name for path in loose)
    mend = f"chmod 600 {' '.join(map(str, loose))}" if loose else ""
    return Diagnosis("secrets are their owner's alone", not loose, names, mend)


def _secret_files(data_dir: Path) -> Iterator[Path]:
    folder = data_dir / "secrets"
    return folder.iterdir() if folder.is_dir() else iter(())


def _is_loose(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _dirty_set(_settings: Settings, adapters: Adapters) -> Diagnosis:
    with adapters.database.transaction(writes=False) as session:
        count, since = dirty.waiting(session)
        untried = dirty.untried_since(session)
    ok = untried is None or (now() - untried).total_seconds() < STALE
    age = (now() - since).total_seconds() if since else 0.0
    detail = f"{count} records wait, the oldest for {age:.0f} s"
    return Diagnosis("search follows the catalogue", ok, detail, "" if ok else _WORKER)


def _refused(_settings: Settings, adapters: Adapters) -> Diagnosis:
    with adapters.database.transaction(writes=False) as session:
        refused = dirty.refused(session, LISTED + 1)
    shown = [
        f"{one.record_id}, since {rfc3339(one.since)}, {one.attempts} times: {one.reason}"
        for one in refused[:LISTED]
    ]
    more = ["and more"] if len(refused) > LISTED else []
    mend = "Mend what is said of them; each is tried again with its next change, and hourly."
    return Diagnosis(
        "the index takes every record",
        not refused,
        "; ".join(shown + more),
        mend if refused else "",
    )


_WORKER = "Is a worker running? Start `kaijuan worker`, or `kaijuan serve`."


def _index(_settings: Settings, adapters: Adapters) -> Diagnosis:
    """Index and database agree, apart from what still waits in the dirty set."""
    with adapters.database.transaction(writes=False) as session:
        published = select(func.count()).where(RecordRow.state == "published")
        wanted = session.scalar(published) or 0
        waiting = session.scalar(select(func.count()).select_from(DirtyRecord)) or 0
        last = select(RecordRow.id, RecordRow.version).where(RecordRow.state == "published")
        sample = dict(session.execute(last.order_by(RecordRow.id.desc()).limit(SAMPLE)).all())
        late = set(session.scalars(select(DirtyRecord.record_id).limit(1_000_000)))
    held = adapters.index.count()
    versions = adapters.index.versions(list(sample))
    wrong = [i for i, v in sample.items() if versions.get(i) != v and i not in late]
    ok = not wrong and abs(held - wanted) <= waiting
    detail = (
        f"{held:,} in the index, {wanted:,} published, {waiting:,} waiting, {len(wrong)} differ"
    )
    return Diagnosis("index and database agree", ok, detail, "" if ok else "Run `kaijuan reindex`.")


def _bytes(_settings: Settings, adapters: Adapters) -> Diagnosis:
    """The newest publications that are held lie in the store with their sizes."""
    with adapters.database.transaction(writes=False) as session:
        wanted = (
            select(StoredPublication.sha256, StoredPublication.format, StoredPublication.size)
            .join(HeldPublication, HeldPublication.sha256 == StoredPublication.sha256)
            .order_by(StoredPublication.examined_at.desc())
            .limit(SAMPLE)
        )
        rows = session.execute(wanted).all()
    missing = [row.sha256 for row in rows if not _lies(adapters, *row)]
    detail = f"{len(rows)} looked at, {len(missing)} missing or of another size"
    mend = "Restore the store from its backup, or import the books again." if missing else ""
    return Diagnosis("publications lie in the store", not missing, detail, mend)


def _lies(adapters: Adapters, sha256: str, kind: str, size: int) -> bool:
    try:
        return adapters.store.stat(key_of(sha256, kind)).size == size
    except ObjectNotFoundError:
        return False


def _jobs(_settings: Settings, adapters: Adapters) -> Diagnosis:
    with adapters.database.transaction(writes=False) as session:
        figures = jobs.figures(session)
    failed = figures.counts.get("failed", 0)
    detail = ", ".join(f"{count} {state}" for state, count in sorted(figures.counts.items()))
    mend = "Look at `kaijuan jobs list --state failed`, then `kaijuan jobs retry ID`."
    return Diagnosis("no job has failed", not failed, detail or "none", mend if failed else "")


def _readers(_settings: Settings, adapters: Adapters) -> Diagnosis:
    """The readers of each library are as many as are counted."""
    with adapters.database.transaction(writes=False) as session:
        wrong = homes.wrong(session)
    mend = "Run `kaijuan user recount`." if wrong else ""
    return Diagnosis("readers are counted", not wrong, f"{wrong} counts are wrong", mend)


def _tree(_settings: Settings, adapters: Adapters) -> Diagnosis:
    with adapters.database.transaction(writes=False) as session:
        wrong = tree.astray(session)
    mend = "Restore a backup, or ask for help: roles reach the wrong libraries." if wrong else ""
    return Diagnosis("libraries stand where they say", not wrong, f"{wrong} paths are wrong", mend)


def _keys(settings: Settings, adapters: Adapters) -> Diagnosis:
    """There is a key that signs, as soon as there is a system that is told who somebody is."""
    folder = settings.oidc_keys_dir
    with adapters.database.transaction(writes=False) as session:
        is_needed = session.scalar(select(Client.id).limit(1)) is not None
    try:
        states = [line.state for line in Keys(folder).listed()]
    except (OSError, ValueError, msgspec.MsgspecError, JoseError) as error:
        mend = f"Mend or remove what cannot be read in {folder}; `kaijuan keys rotate --now`."
        return Diagnosis("a key signs", False, type(error).__name__, mend)
    ok = "signing" in states or not (states or is_needed)
    mend = "" if ok else f"Is {folder} the right folder? Run `kaijuan keys rotate --now`."
    return Diagnosis("a key signs", ok, ", ".join(states) or "none yet", mend)


def _notices(_settings: Settings, adapters: Adapters) -> Diagnosis:
    """Systems are told in time of sessions that have ended."""
    late = (SignOn.session_id.is_(None), SignOn.tell_at < now() - LATE)
    with adapters.database.transaction(writes=False) as session:
        count = session.scalar(select(func.count()).where(*late)) or 0
    mend = f"{_WORKER} See docs/operations/signing-out.md." if count else ""
    return Diagnosis("systems learn who has left", not count, f"{count} wait over an hour", mend)


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check every engine and invariant, and say how to mend what is wrong."""
    with refusals():
        settings = config.load()
        found = examine(settings, open_adapters(settings))
        show(found, as_json, lambda: _lines(found))
    raise SystemExit(0 if all(diagnosis.ok for diagnosis in found) else 1)


def _lines(found: list[Diagnosis]) -> Iterator[str]:
    for diagnosis in found:
        yield f"{'ok ' if diagnosis.ok else 'NOT'} {diagnosis.what}: {diagnosis.detail}"
        if diagnosis.mend:
            yield f"    → {diagnosis.mend}"
