"""Typed endpoints: msgspec structs in, msgspec structs out, OpenAPI from the same annotations.

A view is a plain function. Its annotations say what it takes:

- a name that stands in the rule (``<record_id>``) is the path's, converted to its type;
- ``query`` is a struct filled from the query string, ``body`` one decoded from JSON;
- a parameter of type :data:`IfMatch` is the version of the ETag in the header If-Match;
- ``session``, ``caller``, and any type handed to :func:`provide` are passed in.

What it returns (a struct, :class:`Answer` of one, or a ready response) is serialised inside the
transaction, which is committed before anything is sent. Reads take a transaction that takes no
lock. Every read carries a strong ETag and answers 304.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, NewType, TypeVar

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.orm import Session

from app.database import Database
from app.errors import (
    Fault,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    VersionRequiredError,
)
from app.permissions import Caller, Permission
from app.web import idempotency
from app.web.access import Authenticate
from app.web.problems import MALFORMED, MEDIA_TYPE, answer

T = TypeVar("T")
IfMatch = NewType("IfMatch", int)
"""The version that the caller read, from the header If-Match (``"v3"``)."""
View = Callable[..., Any]
MAX_BODY = 4 * 1024 * 1024
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A body with what HTTP says beside it. ``etag`` is without quotes; computed when missing."""

    body: T
    status: int = 200
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cache: str = "no-cache"


class Created(Answer[T], Generic[T]):
    """201: the body is what was made, ``Location`` in its headers says where it is."""


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
    takes: str
    """The media type of a body that is not JSON; empty when there is none."""


@dataclass(slots=True)
class _Services:
    database: Database
    authenticate: Authenticate
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
        """Registers a read; HEAD comes with it."""
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
            )
            self.endpoints.append(endpoint)
            handle = _handler(endpoint)
            self.blueprint.add_url_rule(rule, view.__name__, handle, methods=[method])
            return view

        return register


def install(app: Flask, database: Database, authenticate: Authenticate) -> None:
    """Gives the endpoints of ``app`` their database and their way to know callers."""
    app.extensions["kaijuan.services"] = _Services(database, authenticate, {})
    app.extensions["kaijuan.endpoints"] = {}
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.register_error_handler(_Refused, lambda refused: refused.response)


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
    writes = endpoint.method not in SAFE
    plan = _plan(endpoint)
    run = _run_write if writes else _run_read

    def handle(**path: str) -> Response:
        return run(endpoint, plan, path)

    return handle


def _run_read(endpoint: Endpoint, plan: list[_Parameter], path: dict[str, str]) -> Response:
    services: _Services = current_app.extensions["kaijuan.services"]
    with services.database.transaction(writes=False) as session:
        caller = _admit(endpoint, services, session)
        arguments = {p.name: p.fill(path, session, caller, services) for p in plan}
        return respond(endpoint.view(**arguments), endpoint.status)


def _run_write(endpoint: Endpoint, plan: list[_Parameter], path: dict[str, str]) -> Response:
    """Known and understood first, without a lock; then done in a transaction that takes one."""
    services: _Services = current_app.extensions["kaijuan.services"]
    with services.database.transaction(writes=False) as session:
        caller = _admit(endpoint, services, session)
    early = {p.name: p.fill(path, None, caller, services) for p in plan if p.name != "session"}
    with services.database.transaction() as session:
        if any(p.name == "session" for p in plan):
            early["session"] = session
        return idempotency.once(
            session, caller, endpoint.name, lambda: respond(endpoint.view(**early), endpoint.status)
        )


def _admit(endpoint: Endpoint, services: _Services, session: Session) -> Caller:
    caller = services.authenticate(request, session)
    if endpoint.permission is Permission.PUBLIC or caller.may(endpoint.permission):
        return caller
    if caller.account_id is None:
        raise UnauthenticatedError
    raise ForbiddenError(endpoint.permission)


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
        return lambda path, _session, _caller, _services: _from_path(path[name], kind, name)
    if name == "session":
        return lambda _path, session, _caller, _services: session
    if name == "caller":
        return lambda _path, _session, caller, _services: caller
    if name == "query":
        lists = sequence_fields(kind)
        strict = endpoint.rule.startswith("/api/")
        return lambda _path, _session, _caller, _services: _from_query(kind, lists, strict)
    if kind is IfMatch:
        return lambda _path, _session, _caller, _services: _if_match()
    if name == "body":
        decoder = msgspec.json.Decoder(kind)
        return lambda _path, _session, _caller, _services: _from_body(decoder)
    return lambda _path, _session, _caller, services: services.provided[kind]


def sequence_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a query struct that may be given more than once."""
    hints = typing.get_type_hints(kind)
    return frozenset(
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if typing.get_origin(hints[field.name]) in (tuple, list)
    )


def _from_path(value: str, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise NotFoundError(name.removesuffix("_id"), value[:64]) from error


def _from_query(kind: type[msgspec.Struct], lists: frozenset[str], strict: bool) -> Any:
    """The query as its struct. Forms of pages send what was left empty: there it is left out."""
    given = {
        name: values if name in lists else values[-1]
        for name, values in request.args.lists()
        if strict or values[-1] != ""
    }
    try:
        query = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidError(fault_of(error, "query")) from error
    for name, values in request.args.lists():
        if strict and name in given and name not in lists:
            if len(values) > 1:
                raise InvalidError(Fault(f"query.{name}", "repeated", "give it once"))
            if getattr(query, name, values) is None:
                raise InvalidError(
                    Fault(f"query.{name}", "invalid", "leave it out, or give a value")
                )
    return query


def _if_match() -> int:
    tag = request.headers.get("If-Match", "").strip()
    if not tag:
        raise VersionRequiredError
    if (match := _VERSION.fullmatch(tag)) is None:
        raise InvalidError(Fault("If-Match", "invalid", 'the ETag that you read, such as "v3"'))
    return int(match[1])


_VERSION = re.compile(r'"v([1-9][0-9]{0,8})"')


def _from_body(decoder: msgspec.json.Decoder[Any]) -> Any:
    if request.mimetype not in ("application/json", "application/merge-patch+json"):
        raise _Refused(answer(MEDIA_TYPE, f"{request.mimetype or 'no type'!r} is not JSON."))
    data = request.get_data()
    try:
        return _decoded(decoder, data)
    except msgspec.ValidationError as error:
        raise InvalidError(fault_of(error, "body")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(answer(MALFORMED, f"The body is not JSON: {error}")) from error


def _decoded(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    """JSON has one kind of number: 3.0 is an integer (JSON Schema 2020-12 §6.1.1)."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        if "`float`" not in str(error):
            raise
        return msgspec.convert(_whole(msgspec.json.decode(data)), decoder.type)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


class _Refused(Exception):  # noqa: N818 - carries an answer, and is one of its own kind
    def __init__(self, response: Response) -> None:
        self.response = response


_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `(?P<place>.*)`)?$", re.DOTALL)


def fault_of(error: msgspec.ValidationError, root: str) -> Fault:
    """The place and the message of a validation error (``Expected `int` - at `$.limit```)."""
    match = _PLACE.match(str(error))
    place = (match["place"] if match else None) or "$"
    return Fault(place.replace("$", root, 1), "invalid", match["message"] if match else str(error))


def respond(result: Any, status: int = 200) -> Response:
    """Serialises what a view returned. Reads get an ETag and answer 304."""
    if isinstance(result, Response):
        return result
    if not isinstance(result, Answer):
        result = Answer(result, status)
    if result.body is None:
        response = Response(status=204 if result.status == 200 else result.status)
    else:
        encoded = result.body
        if not isinstance(encoded, bytes):
            encoded = msgspec.json.encode(encoded)
        response = Response(encoded, result.status, content_type="application/json")
        if request.method in SAFE or result.etag:
            etag = result.etag or blake2b(encoded, digest_size=12).hexdigest()
            response.headers["ETag"] = f'"{etag}"'
    response.headers["Cache-Control"] = result.cache if request.method in SAFE else "no-store"
    response.headers["Vary"] = "Authorization, Cookie"
    for name, value in result.headers.items():
        response.headers[name] = value
    if request.method in SAFE and request.headers.get("If-None-Match"):
        response.make_conditional(request)
    return response
