"""What Elasticsearch takes by itself: its bulk API fed with documents that are ready."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from elasticsearch import Elasticsearch

from app.catalog.services import indexing
from bench.engines import PREFIX
from bench.library import Bench, say
from bench.processes import Spent
from search.backends.elasticsearch.bulk import PIECE
from search.backends.elasticsearch.schema import creation
from search.backends.elasticsearch.writing import lines_of
from search.documents import Document

_SENDERS = 2
_INDEX = f"{PREFIX}bare"
_NDJSON = {"content-type": "application/x-ndjson", "accept": "application/json"}


@cache
def bare_bulk(bench: Bench) -> tuple[int, Spent]:
    """How many documents of the large library, and what sending them took; once in a run."""
    library = bench.on_engines(bench.many)
    ready = bench.folder / f"pieces-{bench.many}"
    if not ready.exists():
        say("documents made ready for the bare engine")
        _make_ready(indexing.every_document(library.adapters.database), ready)
    with bench.engines.elasticsearch() as engine:
        engine.indices.delete(index=_INDEX, ignore_unavailable=True)
        engine.perform_request("PUT", f"/{_INDEX}", headers=_JSON, body=creation((), refresh="-1"))
        say("the same into the bare engine")
        started, cpu = time.perf_counter(), time.process_time()
        with ready.open("rb") as file, ThreadPoolExecutor(_SENDERS) as senders:
            pieces = _Shared(_pieces(file))
            sending = [senders.submit(_send, engine, pieces) for _ in range(_SENDERS)]
            for sender in sending:
                sender.result()
        engine.indices.refresh(index=_INDEX)
        spent = Spent(time.perf_counter() - started, time.process_time() - cpu, 0, 0, b"")
        taken = int(engine.count(index=_INDEX)["count"])
        engine.indices.delete(index=_INDEX)
    if taken != library.count():
        raise ValueError(f"the bare engine took {taken} of {library.count()}")
    return taken, spent


class _Shared:
    """An iterator that threads take from in turn, so that little is in memory."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._lock = pieces, Lock()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._lock:
                piece = next(self._pieces, None)
            if piece is None:
                return
            yield piece


def _send(engine: Elasticsearch, pieces: _Shared) -> None:
    for piece in pieces:
        engine.perform_request("POST", f"/{_INDEX}/_bulk", headers=_NDJSON, body=piece)


_JSON = {"content-type": "application/json", "accept": "application/json"}


def _make_ready(documents: Iterable[Document], path: Path) -> None:
    """Bodies of the size that the application sends, each after a line with its length."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        piece, size = list[bytes](), 0
        for document in documents:
            lines = lines_of(document)
            if piece and size + len(lines) > PIECE:
                file.write(b"%d\n%b" % (size, b"".join(piece)))
                piece, size = [], 0
            piece.append(lines)
            size += len(lines)
        file.write(b"%d\n%b" % (size, b"".join(piece)))
    unfinished.rename(path)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while length := file.readline():
        yield file.read(int(length))
