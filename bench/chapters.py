"""Chapters as they lie in their archives, beside the same chapters as loose files.

1,000 chapters are drawn by Zipf (rank r with weight 1/r, ranks dealt by a seed) from the reading
orders of real EPUBs. The control sends them with Flask's ``send_file``, inflated.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import accumulate
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select

from app.catalog.models import HeldPublication, PublicationEntry
from app.reader.queries.content import PREFIX
from bench.library import Bench, Library
from bench.load import Target, alternate
from bench.records import beside
from bench.rows import Goal, Row
from bench.servers import Server, serving

DRAWN = 1_000


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of chapters."""
    library = bench.shelf()
    drawn = drawn_chapters(library)
    loose = bench.folder / "loose"
    environ = {**library.environ, "BARE_FOLDER": str(loose)}
    log = bench.folder / "bare.log"
    with (
        library.serving() as ours,
        serving("bench.bare:create_app()", environ, "/bytes/1", log) as bare,
    ):
        numbers, size = _laid_out(ours, drawn, loose)
        control = [f"/chapters/{numbers[path]}" for path in drawn]
        mine, theirs = alternate(Target(ours, drawn), Target(bare, control), seconds=bench.seconds)
    note = f"{len(numbers)} different chapters, {size:,} bytes inflated on average"
    yield beside("chapter from a stored EPUB, local", mine, theirs, Goal(least=0.6), note)


def drawn_chapters(library: Library, seed: int = 1) -> list[str]:
    """Addresses of chapters, popular ones again and again."""
    wanted = (
        select(HeldPublication.record_id, HeldPublication.sha256, PublicationEntry.path)
        .join(PublicationEntry, PublicationEntry.sha256 == HeldPublication.sha256)
        .where(PublicationEntry.passthrough, PublicationEntry.media_type == "application/xhtml+xml")
        .order_by(HeldPublication.sha256, PublicationEntry.path)
    )
    with library.adapters.database.transaction(writes=False) as session:
        found = session.execute(wanted).all()
    chapters = [f"/content/open/{r}-{digest[:PREFIX]}/{quote(p)}" for r, digest, p in found]
    draw = random.Random(seed)
    draw.shuffle(chapters)
    weights = list(accumulate(1 / rank for rank in range(1, len(chapters) + 1)))
    return draw.choices(chapters, cum_weights=weights, k=DRAWN)


def _laid_out(server: Server, drawn: list[str], folder: Path) -> tuple[dict[str, int], int]:
    """Each chapter as a loose file by number, taken from our own answers; and their mean size."""
    folder.mkdir(exist_ok=True)
    numbers = {path: number for number, path in enumerate(dict.fromkeys(drawn))}
    sizes = {}
    connection = HTTPConnection(server.host, server.port, timeout=30)
    for path, number in numbers.items():
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.getheader("Content-Encoding") != "gzip":
            raise ValueError(f"{path} did not come as it lies: {answer.status} {body[:200]!r}")
        inflated = gzip.decompress(body)
        (folder / str(number)).write_bytes(inflated)
        sizes[path] = len(inflated)
    connection.close()
    return numbers, sum(sizes[path] for path in drawn) // len(drawn)
