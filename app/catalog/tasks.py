"""The catalogue's background work: imports that were sent through the API, and undoing them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import structlog

from app.adapters import Adapters
from app.catalog import formats
from app.catalog.services import moving, titles, undoing
from app.catalog.services.importing import Report, import_records
from app.jobs.registry import Registry
from app.jobs.work import Work
from app.lines import digest_of
from app.storage.errors import StoreUnavailableError

registry: Registry[Adapters] = Registry()
logger = structlog.get_logger("kaijuan")
LONGEST_NAME = 200
"""Bytes of a file's name, which file systems count in bytes and people in characters."""


@registry.job("catalog.import_records", lease=timedelta(minutes=2))
def import_sent(work: Work[Adapters]) -> None:
    """Imports a file that was sent; an attempt that died is gone on with after its last chunk."""
    adapters, sent = work.context, work.payload
    library = str(sent["library"])
    with adapters.scratch.folder() as folder:
        path = folder / file_name(str(sent["name"]))
        with path.open("wb") as file:
            file.writelines(adapters.store.stream(str(sent["key"])))
        if sent.get("digest") not in (None, digest_of(path)):
            raise StoreUnavailableError("another file came than was sent", retryable=True)

        def checkpoint(report: Report) -> None:
            work.checkpoint({"import": report.id, "read": report.read})

        import_records(
            adapters.database,
            formats.open_format(path, str(sent["format"] or "") or None, library=library),
            path,
            library_id=library,
            account_id=str(sent["account"] or "") or None,
            progress=checkpoint,
        )
    work.finish(lambda _session: None)
    adapters.store.delete(str(sent["key"]))


def file_name(sent: str) -> str:
    """The name under which a sent file is kept meanwhile: its own, where it can be."""
    name = Path(sent).name.strip(". ")
    suffix = Path(name).suffix[-8:]
    stem = name.removesuffix(suffix).encode()[: LONGEST_NAME - len(suffix.encode())]
    return (stem.decode(errors="ignore") or "records") + suffix


@registry.job("catalog.undo_import", lease=timedelta(minutes=2))
def undo_import(work: Work[Adapters]) -> None:
    """Undoes an import, however many records it had."""
    account = str(work.payload["account"] or "") or None
    undoing.undo(work.database, str(work.payload["batch"]), account)
    work.finish(lambda _session: None)


@registry.job("catalog.library_moved", lease=timedelta(minutes=2))
def follow_library(work: Work[Adapters]) -> None:
    """Has the records of a library that moved, and of those below it, be found at its new place."""
    moving.mark_below(work.database, str(work.payload["library"]), work.progress, work.checkpoint)


@registry.periodic("catalog.titles", every=timedelta(days=1))
def mend_titles(adapters: Adapters) -> None:
    """Has every record be looked up by its title, those too that another release wrote."""
    if mended := titles.mend(adapters.database):
        logger.info("titles-mended", records=mended)
