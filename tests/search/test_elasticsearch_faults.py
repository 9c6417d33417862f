"""An Elasticsearch that misbehaves: whatever it does, the port's own exceptions come through."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from contracts.search import ALICE, DREAM, STUDIES
from msgspec.structs import replace

from search.alias import AliasedIndex
from search.backends.elasticsearch import bulk, open_generations
from search.backends.elasticsearch.address import read_address
from search.backends.elasticsearch.client import Client
from search.backends.elasticsearch.schema import CURRENT
from search.index import (
    IndexOutdatedError,
    IndexUnavailableError,
    Query,
    QueryRefusedError,
    Sort,
    Status,
)

#: An authority of an engine's own, whose key nobody has.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUdXhn+vmuVNdxgBZctLbZdlLxJukwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzEzNTYxM1oYDzIxMjYxMDMw
MTM1NjEzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASdnaM7QZixvIS06FPMIm0swXoBOfG4gZHU+CLZRWcy/BrtfZZo5q+D
2UbZHWMD94IbiA0COfOJvinzlXesYdrdo28wbTAdBgNVHQ4EFgQUTywdLllZQTBS
WOQOZJFYK0paY58wHwYDVR0jBBgwFoAUTywdLllZQTBSWOQOZJFYK0paY58wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAOs2bo1Kk+wdXurOj6AfNXiutbRcH9eVfMjNvJ1dfJXKAiEA
vZ24KiGBjsYnmI3mj7B9LkdJ5ywr6sJKEsOdN/D2wEQ=
-----END CERTIFICATE-----
"""
JSON = "application/json"
Reply = tuple[int, str, bytes]


def said(body: object, status: int = 200) -> Reply:
    return status, JSON, json.dumps(body).encode()


class Engine:
    """Answers as much as an index needs to be opened; batches and searches as a test has it."""

    def __init__(self) -> None:
        self.meta = {"schema": CURRENT.schema, "analysis": CURRENT.analysis}
        self.batch: Callable[[list[str]], Reply] = written
        self.search: Callable[[], Reply] = lambda: said({"responses": []})
        self.batches: list[list[str]] = []
        self.headers: list[dict[str, str]] = []

    def reply(self, path: str, body: bytes) -> Reply:
        if "/_alias" in path:
            return said({"kaijuan-g000001": {"aliases": {"kaijuan-read": {}}}})
        if path.endswith("/_mapping"):
            return said({"kaijuan-g000001": {"mappings": {"_meta": self.meta}}})
        if "/_bulk" in path:
            actions = map(json.loads, body.splitlines()[::2])
            self.batches.append([action["index"]["_id"] for action in actions])
            return self.batch(self.batches[-1])
        return self.search() if "/_msearch" in path else said({"count": 0})


def written(ids: list[str]) -> Reply:
    return said({"items": [{"index": {"_id": one, "status": 201}} for one in ids]})


def handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            engine.headers.append(dict(self.headers))
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, reply = engine.reply(self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(reply) + (kind == "half")))
            self.end_headers()
            self.wfile.write(reply)
            self.close_connection = kind == "half"

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the server's own names

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    return Handler


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(engine))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://reader:p%40ss@127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def index(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AliasedIndex]:
    monkeypatch.setattr(bulk, "PATIENCE", (0.0, 0.0))
    index = open_generations(url)
    yield index
    index.close()


@pytest.mark.parametrize(
    "reply",
    [
        (200, JSON, b"{"),
        (200, JSON, b"[]"),
        (200, JSON, b'{"responses": [{"hits": {"hits": [{}]}}]}'),
        (200, JSON, b""),
        (200, JSON, b'{"responses": []}'),
        (200, JSON, b'{"responses": [{"timed_out": true}]}'),
        (200, JSON, b'{"responses": [{"status": 503, "error": {"type": "no_shard"}}]}'),
        (200, "text/html", b"<p>Welcome to nginx"),
        (200, "half", b'{"responses"'),
        (401, JSON, b'{"error": {"type": "security_exception", "reason": "who?"}}'),
        (429, JSON, b'{"error": {"type": "es_rejected_execution_exception"}}'),
        (500, "text/plain", b"oh"),
        (503, JSON, b"{}"),
    ],
)
def test_a_search_that_is_not_answered_is_unavailable(
    index: AliasedIndex, engine: Engine, reply: Reply
) -> None:
    engine.search = lambda: reply
    with pytest.raises(IndexUnavailableError):
        index.search(Query(words="红楼梦", sort=Sort.TITLE))
    with pytest.raises(IndexUnavailableError):
        index.suggest("红")


def test_too_many_words_for_the_engine_are_the_readers_to_change(
    index: AliasedIndex, engine: Engine
) -> None:
    fault = {"type": "search_phase", "caused_by": {"type": "too_many_nested_clauses"}}
    engine.search = lambda: said({"responses": [{"status": 400, "error": fault}]})
    with pytest.raises(QueryRefusedError, match="words"):
        index.search(Query(words="红楼梦"))


def test_an_engine_that_is_away_is_unavailable() -> None:
    index = open_generations("http://127.0.0.1:1")
    for ask in (index.count, lambda: index.search(Query()), lambda: index.write([DREAM])):
        with pytest.raises(IndexUnavailableError, match="elasticsearch"):
            ask()
    index.close()


def test_each_item_of_a_batch_has_its_own_answer(index: AliasedIndex, engine: Engine) -> None:
    def partly(ids: list[str]) -> Reply:
        conflict = {"type": "version_conflict_engine_exception"}
        bad = {"type": "document_parsing_exception", "reason": "too long"}
        results = [(201, None), (409, conflict), (400, bad)]
        items = [
            {"_id": one, "status": status, "error": error}
            for one, (status, error) in zip(ids, results, strict=True)
        ]
        return said({"items": [{"index": item} for item in items]})

    engine.batch = partly
    outcomes = index.write([DREAM, STUDIES, ALICE])
    assert [one.status for one in outcomes] == [Status.WRITTEN, Status.KEPT, Status.REFUSED]
    assert "too long" in outcomes[2].reason


def test_what_the_engine_is_too_busy_for_is_sent_again_alone(
    index: AliasedIndex, engine: Engine
) -> None:
    def busy(ids: list[str]) -> Reply:
        status = 429 if len(engine.batches) < 3 else 201
        rest = [{"index": {"_id": one, "status": status}} for one in ids[-1:]]
        done = [{"index": {"_id": one, "status": 201}} for one in ids[:-1]]
        return said({"items": [*done, *rest]})

    engine.batch = busy
    assert {one.status for one in index.write([DREAM, ALICE])} == {Status.WRITTEN}
    assert engine.batches == [["dream", "alice"], ["alice"], ["alice"]]


@pytest.mark.parametrize(
    "reply",
    [
        said({"error": {"type": "es_rejected_execution_exception"}}, 429),
        said({"items": [{"index": {"_id": "dream", "status": 429}}]}),
        said({"items": [{"index": {"_id": "dream", "status": 503, "error": {"type": "x"}}}]}),
        said({"items": [{"index": {"_id": "dream", "status": 403, "error": {"type": "x"}}}]}),
        said({"items": [{"index": {"_id": "other", "status": 201}}]}),
        said({"items": []}),
        said({}),
        (200, "half", b'{"items"'),
    ],
)
def test_a_batch_that_may_be_lost_is_unavailable(
    index: AliasedIndex, engine: Engine, reply: Reply
) -> None:
    engine.batch = lambda _: reply
    with pytest.raises(IndexUnavailableError):
        index.write([DREAM])


def test_a_large_batch_goes_in_pieces_and_is_answered_in_order(
    index: AliasedIndex, engine: Engine
) -> None:
    many = [replace(DREAM, id=f"n{n}", text="水经注" * 20_000) for n in range(12)]
    outcomes = index.write([*many, replace(DREAM, id="")])
    assert [one.id for one in outcomes] == [one.id for one in many] + [""]
    assert outcomes[-1].status is Status.REFUSED
    assert len(engine.batches) > 1


def test_an_index_of_another_release_asks_to_be_rebuilt(
    index: AliasedIndex, engine: Engine
) -> None:
    engine.meta = {"schema": CURRENT.schema, "analysis": CURRENT.analysis + 1}
    with pytest.raises(IndexOutdatedError, match="rebuild"):
        index.count()


def test_who_asks_is_said_to_the_engine_and_to_nobody_else(
    index: AliasedIndex, engine: Engine
) -> None:
    engine.search = lambda: said({}, 500)
    with pytest.raises(IndexUnavailableError) as raised:
        index.search(Query())
    assert engine.headers[-1]["authorization"] == "Basic cmVhZGVyOnBAc3M="
    assert "p@ss" not in str(raised.value)


def test_an_address_names_host_user_and_prefix() -> None:
    address = read_address("https://u:p%2F@search.example/shelf")
    assert (address.url, address.credentials, address.prefix) == (
        "https://search.example:443",
        ("u", "p/"),
        "shelf",
    )
    assert read_address("http://[::1]:9200").url == "http://[::1]:9200"
    assert read_address("http://[::1]:9200/").prefix == "kaijuan"


@pytest.mark.parametrize("url", ["http://", "ftp://host", "http://host/A", "http://host/a/b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"HOST|prefix"):
        open_generations(url)


@pytest.mark.parametrize("password", ["xyz/zy", "xyz#zy", "xyz?zy", "xyz[zy", "xyz℀zy"])
def test_no_part_of_a_password_is_told_of_what_is_no_address(password: str) -> None:
    with pytest.raises(ValueError, match="http") as refused:
        read_address(f"http://reader:{password}@host:9200")
    assert "xyz" not in str(refused.value)


def test_an_engine_is_trusted_by_the_authority_that_the_machine_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "ca.pem"
    named.write_text(AUTHORITY)
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    client = Client(read_address("https://search.example"))
    (node,) = cast(Any, client)._transport.node_pool.all()
    trusts = node.pool.conn_kw["ssl_context"]
    assert (len(trusts.get_ca_certs()), trusts.verify_mode) == (1, ssl.CERT_REQUIRED)
    client.close()
