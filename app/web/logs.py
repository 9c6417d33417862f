"""Structured logs, one line an event, each with its request id; grants and secrets masked."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, g, has_request_context, request

logger: structlog.stdlib.BoundLogger = structlog.get_logger("kaijuan")

_GRANT = re.compile(r"(/content/)(?!open/)[^/]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def configure(level: str = "info") -> None:
    """Sends every log line, also those of libraries, to standard error as JSON."""
    renderer: Any = structlog.processors.JSONRenderer(_json)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _access.enabled = level.lower() in ("debug", "info")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _json(event: object, **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def mask(path: str) -> str:
    """The path with its grant hidden: a grant opens a book for as long as it lives."""
    return _GRANT.sub(r"\1…", path)


def _mask(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "path" in event:
        event["path"] = mask(str(event["path"]))
    return event


def install(app: Flask) -> None:
    """Gives every request an id, its own or the proxy's, and logs one line for each answer."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.started = time.perf_counter()


def request_id() -> str:
    """The id of the request that is answered; empty outside of any."""
    return str(g.get("request_id", "")) if has_request_context() else ""


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    if _access.enabled:
        _access.write(
            AccessLine(
                request_id=request_id(),
                method=request.method,
                path=mask(request.path),
                rule=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - g.get("started", 0)) * 1000, 2),
                timestamp=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            )
        )
    return response


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged of every answer."""

    event: str = "request"
    level: str = "info"
    request_id: str
    method: str
    path: str
    rule: str | None
    status: int
    ms: float
    timestamp: str


class _Access:
    """One line for each answer, past the processors that every other line goes through: it is
    written on every request, and they cost more than the answer of a small one."""

    def __init__(self) -> None:
        self.enabled = True
        self._encoder = msgspec.json.Encoder()

    def write(self, line: AccessLine) -> None:
        sys.stderr.write(self._encoder.encode(line).decode() + "\n")


_access = _Access()
