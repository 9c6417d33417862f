"""What Elasticsearch takes by itself: its bulk API fed with documents that are ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice

from app.catalog.services import indexing
from bench.engines import PREFIX
from bench.library import Bench, say
from bench.processes import Spent
from search.backends.elasticsearch.bulk import PIECE
from search.backends.elasticsearch.schema import creation
from search.backends.elasticsearch.writing import lines_of
from search.documents import Document

MOST = 100_000
"""Documents that are held ready; an index as small as theirs takes more a second than a large."""
_SENDERS = 2
_INDEX = f"{PREFIX}bare"
_NDJSON = {"content-type": "application/x-ndjson", "accept": "application/json"}


@cache
def bare_bulk(bench: Bench) -> tuple[int, Spent]:
    """How many documents of the large library, and what sending them took; once in a run."""
    library = bench.on_engines(bench.many)
    say("documents made ready for the bare engine")
    documents = list(islice(indexing.every_document(library.adapters.database), MOST))
    ready = list(_pieces(documents))
    with bench.engines.elasticsearch() as engine:
        engine.indices.delete(index=_INDEX, ignore_unavailable=True)
        engine.perform_request("PUT", f"/{_INDEX}", headers=_JSON, body=creation((), refresh="-1"))

        def send(piece: bytes) -> None:
            engine.perform_request("POST", f"/{_INDEX}/_bulk", headers=_NDJSON, body=piece)

        say(f"{len(documents):,} ready documents into the bare engine")
        started, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(send, ready))
        engine.indices.refresh(index=_INDEX)
        spent = Spent(time.perf_counter() - started, time.process_time() - cpu, 0, 0, b"")
        taken = int(engine.count(index=_INDEX)["count"])
        engine.indices.delete(index=_INDEX)
    if taken != len(documents):
        raise ValueError(f"the bare engine took {taken} of {len(documents)}")
    return taken, spent


_JSON = {"content-type": "application/json", "accept": "application/json"}


def _pieces(documents: list[Document]) -> Iterator[bytes]:
    """Bodies of the size that the application sends."""
    piece, size = list[bytes](), 0
    for document in documents:
        lines = lines_of(document)
        if piece and size + len(lines) > PIECE:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(lines)
        size += len(lines)
    yield b"".join(piece)
