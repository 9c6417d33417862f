"""Typed endpoints: msgspec structs in, msgspec structs out, OpenAPI from the same annotations.

A view is a plain function. Its annotations say what it takes:

- a name that stands in the rule (``<record_id>``) is the path's, converted to its type;
- ``query`` is a struct filled from the query string, ``body`` one decoded from JSON;
- a parameter of type :data:`IfMatch` is the version of the ETag in the header If-Match;
- a parameter of type :class:`Received` is the body as a file, come whole;
- ``form`` is a struct filled from an HTML form of our own pages (``app/web/forms.py``);
- ``session``, ``caller``, and any type handed to :func:`provide` are passed in.

A write that takes no ``session`` opens the transactions that it needs itself.

What it returns (a struct, :class:`Answer` of one, or a ready response) is serialised inside the
transaction, which is committed before anything is sent. Reads take a transaction that takes no
lock. Every read carries a strong ETag and answers 304.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.orm import Session

from app.counting import Spent
from app.database import Database
from app.errors import ForbiddenError, ReadOnlyError, UnauthenticatedError
from app.permissions import Caller, DeviceScope, Permission
from app.scratch import Scratch
from app.web import access, idempotency
from app.web.access import Authenticate
from app.web.answers import SAFE, Answer, respond
from app.web.arguments import (
    IfMatch,
    RefusedError,
    from_body,
    from_path,
    from_query,
    if_match,
    sequence_fields,
)
from app.web.forms import Forms
from app.web.limits import Count, Limited, tell
from app.web.receiving import Received, forget, receive

__all__ = [
    "Answer",
    "Endpoint",
    "Endpoints",
    "IfMatch",
    "Limited",
    "Received",
    "install",
    "provide",
    "register",
]

View = Callable[..., Any]
MAX_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the OpenAPI document and the architecture tests need to know of one endpoint."""

    name: str
    method: str
    rule: str
    permission: Permission
    view: View
    hints: Mapping[str, Any]
    status: int
    problems: tuple[int, ...]
    json: bool
    limited: Limited | None
    takes: str
    """The media type of a body that is not JSON; empty when there is none."""
    devices: DeviceScope | None
    """Whose device passwords are taken, besides sessions and tokens; nobody's elsewhere."""
    writes: bool


@dataclass(slots=True)
class _Services:
    database: Database
    read_only: bool
    authenticate: Authenticate
    count: Count
    provided: dict[Any, Any]


class Endpoints:
    """The typed endpoints of one noun of one package: a blueprint that knows their types.

    ``name`` is ``package.noun``, so that an endpoint is called ``package.noun.verb``.
    """

    def __init__(self, name: str, prefix: str = "") -> None:
        self.blueprint = Blueprint(name.replace(".", "-"), name, url_prefix=prefix)
        self.name, self.prefix = name, prefix
        self.endpoints: list[Endpoint] = []

    def get(self, rule: str, permission: Permission, **options: Any) -> Callable[[View], View]:
        """Registers a read; HEAD comes with it. With ``writes`` it is one in name alone, as
        protocols have it that browsers are sent along: it is done like a write."""
        return self._route("GET", rule, permission, **options)

    def post(self, rule: str, permission: Permission, **options: Any) -> Callable[[View], View]:
        """Registers a write that makes or does something."""
        return self._route("POST", rule, permission, **options)

    def put(self, rule: str, permission: Permission, **options: Any) -> Callable[[View], View]:
        """Registers a write that sets the whole of something."""
        return self._route("PUT", rule, permission, **options)

    def patch(self, rule: str, permission: Permission, **options: Any) -> Callable[[View], View]:
        """Registers a write that changes parts of something."""
        return self._route("PATCH", rule, permission, **options)

    def delete(self, rule: str, permission: Permission, **options: Any) -> Callable[[View], View]:
        """Registers a removal."""
        return self._route("DELETE", rule, permission, **options)

    def _route(
        self,
        method: str,
        rule: str,
        permission: Permission,
        *,
        status: int = 200,
        problems: tuple[int, ...] = (),
        json: bool = True,
        takes: str = "",
        limited: Limited | None = None,
        devices: DeviceScope | None = None,
        writes: bool = False,
    ) -> Callable[[View], View]:
        def register(view: View) -> View:
            hints = typing.get_type_hints(view, include_extras=True)
            name = f"{self.name}.{view.__name__}"
            endpoint = Endpoint(
                name=name,
                method=method,
                rule=self.prefix + rule,
                permission=permission,
                view=view,
                hints=hints,
                status=status,
                problems=problems,
                json=json,
                takes=takes,
                limited=limited,
                devices=devices,
                writes=writes or method not in SAFE,
            )
            self.endpoints.append(endpoint)
            handle = _handler(endpoint)
            self.blueprint.add_url_rule(rule, view.__name__, handle, methods=[method])
            return view

        return register


def install(
    app: Flask,
    database: Database,
    authenticate: Authenticate,
    count: Count,
    *,
    read_only: bool = False,
) -> None:
    """Gives the endpoints of ``app`` their database, their way to know callers and to limit them.

    ``read_only`` refuses every write with 503 while reading goes on.
    """
    app.extensions["kaijuan.services"] = _Services(database, read_only, authenticate, count, {})
    app.extensions["kaijuan.endpoints"] = {}
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.register_error_handler(RefusedError, lambda refused: refused.response)
    app.teardown_request(forget)


def provide(app: Flask, kind: Any, value: Any) -> None:
    """Views that annotate a parameter with ``kind`` are passed ``value``."""
    app.extensions["kaijuan.services"].provided[kind] = value


def register(app: Flask, *groups: Endpoints) -> None:
    """Adds the groups' endpoints to the application."""
    for group in groups:
        app.register_blueprint(group.blueprint)
        for endpoint in group.endpoints:
            app.extensions["kaijuan.endpoints"][endpoint.method, endpoint.rule] = endpoint


def _handler(endpoint: Endpoint) -> Callable[..., Response]:
    plan = _plan(endpoint)
    run = _run_write if endpoint.writes else _run_read

    def handle(**path: str) -> Response:
        return run(endpoint, plan, path)

    return handle


def _run_read(endpoint: Endpoint, plan: list[_Parameter], path: dict[str, str]) -> Response:
    services: _Services = current_app.extensions["kaijuan.services"]

    def read(session: Session) -> Response:
        caller = _admit(endpoint, services, session)
        arguments = {p.name: p.fill(path, session, caller, services) for p in plan}
        spent = _count(endpoint, services, caller)
        return tell(respond(endpoint.view(**arguments), endpoint.status), spent)

    return services.database.run(read, writes=False)


def _run_write(endpoint: Endpoint, plan: list[_Parameter], path: dict[str, str]) -> Response:
    """Known, understood and counted first, without a lock; then done in a transaction."""
    services: _Services = current_app.extensions["kaijuan.services"]
    caller = services.database.run(lambda s: _admit(endpoint, services, s), writes=False)
    if services.read_only:
        raise ReadOnlyError
    early = {p.name: p.fill(path, None, caller, services) for p in plan if p.name != "session"}
    takes_session = any(p.name == "session" for p in plan)
    spent = _count(endpoint, services, caller)

    if not takes_session:  # what it does slowly must not hold a transaction
        return tell(respond(endpoint.view(**early), endpoint.status), spent)

    def write(session: Session) -> Response:
        given = early | {"session": session}
        return idempotency.once(
            session, caller, endpoint.name, lambda: respond(endpoint.view(**given), endpoint.status)
        )

    return tell(services.database.run(write), spent)


def _admit(endpoint: Endpoint, services: _Services, session: Session) -> Caller:
    access.expect(endpoint.devices)
    caller = services.authenticate(request, session, endpoint.devices)
    if endpoint.permission is Permission.PUBLIC or caller.may(endpoint.permission):
        return caller
    if caller.account_id is None:
        raise UnauthenticatedError
    raise ForbiddenError(endpoint.permission)


def _count(endpoint: Endpoint, services: _Services, caller: Caller) -> Spent | None:
    return services.count(endpoint.limited, caller) if endpoint.limited else None


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    fill: Callable[[dict[str, str], Session | None, Caller, _Services], Any]


def _plan(endpoint: Endpoint) -> list[_Parameter]:
    """Decides once, when the endpoint is registered, where each argument comes from."""
    parameters = []
    for name in inspect.signature(endpoint.view).parameters:
        kind = endpoint.hints[name]
        parameters.append(_Parameter(name, _filler(endpoint, name, kind)))
    return parameters


def _filler(endpoint: Endpoint, name: str, kind: Any) -> Callable[..., Any]:
    if f"<{name}>" in endpoint.rule or f":{name}>" in endpoint.rule:
        return lambda path, _session, _caller, _services: from_path(path[name], kind, name)
    if name == "session":
        return lambda _path, session, _caller, _services: session
    if name == "caller":
        return lambda _path, _session, caller, _services: caller
    if name == "query":
        lists = sequence_fields(kind)
        strict = endpoint.rule.startswith("/api/")
        return lambda _path, _session, _caller, _services: from_query(kind, lists, strict)
    if name == "form":
        return lambda _path, _session, _caller, services: services.provided[Forms].read(kind)
    if kind is IfMatch:
        return lambda _path, _session, _caller, _services: if_match()
    if kind is Received:
        return lambda _path, _session, _caller, services: receive(services.provided[Scratch])
    if name == "body":
        decoder = msgspec.json.Decoder(kind)
        return lambda _path, _session, _caller, _services: from_body(decoder)
    return lambda _path, _session, _caller, services: services.provided[kind]
