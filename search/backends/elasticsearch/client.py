"""Asking the engine over HTTP: bytes in, structs out, and every failure as the port's own.

The official client's transport is used as it is: it keeps connections, spreads requests over them
and repeats what may be repeated. Answers are decoded here, straight into what is wanted of them.
"""

import ssl
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from elasticsearch import Elasticsearch, SerializationError, TransportError
from elasticsearch.serializer import JsonSerializer

from search.backends.elasticsearch.address import Address
from search.index import IndexUnavailableError, QueryRefusedError

ENGINE = "elasticsearch"
#: Seconds to wait for an answer: to what a reader waits for, to what changes an index, to a batch.
READING, TENDING, FILLING = 10.0, 30.0, 120.0

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_CONNECTIONS = 20
#: Pieces of batches that are sent at once.
MOST_UNDER_WAY = 3
_BUSY = (429, 502, 503, 504)
_MOST_REASON = 300

T = TypeVar("T")


class RefusedError(IndexUnavailableError):
    """The engine answered with an error; ``status`` is that of HTTP, ``kind`` its own name."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(ENGINE, f"{status} {kind}: {reason}"[:_MOST_REASON])
        self.status = status
        self.kind = kind


class Fault(msgspec.Struct):
    """An error as the engine writes it."""

    type: str = ""
    reason: str | None = ""
    caused_by: "Fault | None" = None

    @property
    def root(self) -> "Fault":
        """What it comes from."""
        return self.caused_by.root if self.caused_by else self


class _Failed(msgspec.Struct):
    error: Fault | str = ""


class _AsBytes(JsonSerializer):
    """Bodies come ready made, and answers are decoded by who knows what they are."""

    def loads(self, data: bytes) -> Any:
        return data


class Client:
    """One engine. Threads may share it; a fork may, as long as nothing has been asked."""

    def __init__(self, address: Address) -> None:
        as_bytes = _AsBytes()
        self._client = Elasticsearch(
            address.url,
            serializers={_JSON: as_bytes, _NDJSON: as_bytes},
            connections_per_node=_CONNECTIONS,
            ssl_context=_trusting() if address.url.startswith("https:") else None,
        )
        self._transport = self._client.transport
        #: The generations' together, so that none is closed under a writer.
        self.senders = ThreadPoolExecutor(MOST_UNDER_WAY, thread_name_prefix="bulk")
        self._headers = {"accept": _JSON}
        if address.credentials:
            pair = b64encode(":".join(address.credentials).encode()).decode()
            self._headers["authorization"] = f"Basic {pair}"

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        answer: type[T] = dict[str, Any],  # type: ignore[assignment]  # the default of T
        timeout: float = READING,
    ) -> T:
        """One request with one JSON body; its answer as ``answer``.

        Raises RefusedError for an answer that is an error, IndexUnavailableError for none.
        """
        sent = None if body is None else _encode(body)
        repeats = 1 if timeout == READING else 0
        return _decode(self._send(method, path, sent, _JSON, timeout, repeats), answer)

    def ask_lines(self, path: str, lines: bytes, *, answer: type[T], timeout: float) -> T:
        """The same with a body of many lines."""
        repeats = 1 if timeout == READING else 0
        return _decode(self._send("POST", path, lines, _NDJSON, timeout, repeats), answer)

    def close(self) -> None:
        """Let go of connections, when what is under way has ended."""
        self.senders.shutdown()
        self._client.close()

    def _send(
        self, method: str, path: str, body: bytes | None, content: str, timeout: float, repeats: int
    ) -> bytes:
        try:
            answered = self._transport.perform_request(
                method,
                path,
                body=body,
                headers={**self._headers, "content-type": content},
                max_retries=repeats,
                retry_on_status=_BUSY if repeats else (),
                retry_on_timeout=False,
                request_timeout=timeout,
            )
        except SerializationError as error:
            raise IndexUnavailableError(ENGINE, "its answer is not JSON") from error
        except TransportError as error:
            raise IndexUnavailableError(ENGINE, str(error.message)[:_MOST_REASON]) from error
        if not isinstance(answered.body, bytes):
            raise IndexUnavailableError(ENGINE, "its answer is not JSON")
        status = answered.meta.status
        if not 200 <= status < 300:
            raise _refusal(status, answered.body)
        return answered.body


def _trusting() -> ssl.SSLContext:
    """Whom the machine trusts, SSL_CERT_FILE included: engines often have an authority of their
    own, which the list that the client brings along does not know."""
    return ssl.create_default_context()


def place(*parts: str) -> str:
    """A path of the engine's, each part quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def lines(bodies: Iterable[object]) -> bytes:
    """Bodies as lines of JSON."""
    return b"".join(_encode(body) + b"\n" for body in bodies)


def refused(status: int, fault: Fault) -> IndexUnavailableError | QueryRefusedError:
    """What to raise for one search that failed among several.

    A query that is too large for the engine is the reader's to change; all else is not.
    """
    root = fault.root
    if status == 400 and root.type in ("too_many_clauses", "too_many_nested_clauses"):
        return QueryRefusedError("words", "there are too many words")
    return RefusedError(status, root.type, root.reason or "")


def _encode(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        raise QueryRefusedError("query", f"a text is not valid Unicode: {error.reason}") from error


def _decode(body: bytes, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IndexUnavailableError(ENGINE, "its answer is not what was asked for") from error


def _refusal(status: int, body: bytes) -> RefusedError:
    try:
        error = msgspec.json.decode(body, type=_Failed).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = "an answer that is no error of Elasticsearch's"
    if isinstance(error, str):
        return RefusedError(status, "error", error)
    root = error.root
    return RefusedError(status, root.type, root.reason or "")
