"""Search in many records on Elasticsearch, beside the bare engine asked the same by its client.

The control sends the very requests that our search sent, with Elastic's own client, and has the
answers decoded as that does; nothing is made of them. Ours has highlights and four facets. The
engine keeps no answers meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from elastic_transport import Transport
from elasticsearch import Elasticsearch

from bench.engines import PREFIX
from bench.library import Bench, say
from bench.queries import common_words, known_items
from bench.rows import Goal, Row
from bench.search import FACETS, FEW_HITS, over_http
from bench.search_speed import Timed, timed_in_turn
from search.index import Query, SearchIndex

_ROUNDS = 4
RATIO, P99 = Goal(most=1.3), Goal(most=100, unit=" ms")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was sent to the engine."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]


def rows(bench: Bench) -> Iterator[Row]:
    """Latencies of known items and of common words, by the port and over HTTP."""
    library = bench.searchable(bench.on_engines(bench.many))
    index, many = library.adapters.index, bench.many
    known = known_items(many)
    few = [words for words in known if index.search(Query(words=words)).total <= FEW_HITS]
    sets = (("known items of ≤ 30 hits", few), ("commonest words", common_words(many)))
    say(f"search on Elasticsearch, {[len(words) for _, words in sets]} queries")
    with bench.engines.elasticsearch() as engine:
        engine.indices.put_settings(
            index=f"{PREFIX}{many}-g*", settings={"index.requests.cache.enable": False}
        )
        for name, words in sets:
            yield from _speed(f"{name}, {many:,} records", words, index, engine)
    with library.serving() as server:
        for name, words in sets:
            yield over_http(bench, f"{name}, Elasticsearch, {many:,} records", words, P99, server)


def _speed(
    name: str, words: Sequence[str], index: SearchIndex, engine: Elasticsearch
) -> Iterator[Row]:
    def ours(text: str) -> object:
        return index.search(Query(words=text, facets=FACETS))

    sent = {text: _captured(ours, text) for text in words}

    def control(text: str) -> object:
        return [_ask(engine, request) for request in sent[text]]

    for text in words:
        control(text)
    mine, theirs = timed_in_turn((ours, control), words, _ROUNDS)
    twice = sum(len(requests) > 1 for requests in sent.values())
    note = f"medians; {twice} of {len(words)} searches are more than one request"
    yield Row(
        measure=f"search: {name}, beside the bare engine",
        ours=_said(mine),
        control=_said(theirs),
        value=mine.p50 / theirs.p50,
        goal=RATIO,
        note=note,
    )
    yield Row(
        measure=f"search: {name}, p99",
        ours=f"{mine.p99:.1f} ms",
        control=f"{theirs.p99:.1f} ms",
        value=mine.p99,
        goal=P99,
    )


def _said(taken: Timed) -> str:
    return f"{taken.p50:.2f} ms, {taken.cpu_p50:.2f} ms CPU here"


def _captured(search: Callable[[str], object], text: str) -> list[Request]:
    with _recording() as requests:
        search(text)
    return requests


@contextmanager
def _recording() -> Iterator[list[Request]]:
    """Keeps what is sent to the engine meanwhile."""
    kept: list[Request] = []
    send = Transport.perform_request

    def keep(self: Transport, method: str, target: str, **given: Any) -> Any:
        kept.append(Request(method, target, given.get("body"), given.get("headers") or {}))
        return send(self, method, target, **given)

    with patch.object(Transport, "perform_request", keep):
        yield kept


def _ask(engine: Elasticsearch, request: Request) -> object:
    answer = engine.perform_request(
        request.method, request.path, headers=request.headers, body=request.body
    )
    return answer.body
