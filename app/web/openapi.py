"""The OpenAPI 3.1 document, made from the annotations of the endpoints."""

from __future__ import annotations

import inspect
import re
import typing
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask

from app.permissions import DeviceScope, Permission
from app.web.api import Answer, Endpoint, IfMatch
from app.web.arguments import sequence_fields
from app.web.problems import Problem

_ARGUMENT = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that you read, so that no change is lost.",
    "schema": {"type": "string", "pattern": '^"v[1-9][0-9]{0,8}"$'},
}
_REF = "#/components/schemas/{name}"


def document(app: Flask, title: str, version: str) -> dict[str, Any]:
    """The document of every JSON endpoint of ``app``."""
    endpoints = [
        e for e in app.extensions["kaijuan.endpoints"].values() if e.rule.startswith("/api/v1/")
    ]
    types = [kind for endpoint in endpoints for kind in _types(endpoint)] + [Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in sorted(endpoints, key=lambda e: (e.rule, e.method)):
        path = _ARGUMENT.sub(r"{\g<name>}", endpoint.rule)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(
            endpoint, by_type, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "kaijuan"},
                "device": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _types(endpoint: Endpoint) -> list[Any]:
    """Every type of this endpoint that needs a schema."""
    names = list(inspect.signature(endpoint.view).parameters)
    wanted = [endpoint.hints[n] for n in names if n in ("query", "body") or _in_path(endpoint, n)]
    answer = _answer_type(endpoint)
    return wanted if answer is None else [*wanted, answer]


def _in_path(endpoint: Endpoint, name: str) -> bool:
    return any(match["name"] == name for match in _ARGUMENT.finditer(endpoint.rule))


def _answer_type(endpoint: Endpoint) -> Any:
    kind = endpoint.hints.get("return")
    if typing.get_origin(kind) is not None and issubclass(
        typing.get_origin(kind) or object, Answer
    ):
        kind = typing.get_args(kind)[0]
    return kind if endpoint.json and kind is not None and kind is not type(None) else None


def _operation(
    endpoint: Endpoint, by_type: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    summary, _, description = inspect.getdoc(endpoint.view).partition("\n")  # type: ignore[union-attr]  # a test demands docstrings
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": summary.rstrip("."),
        "tags": [endpoint.name.split(".")[0]],
        "x-permission": str(endpoint.permission),
        "responses": _responses(endpoint, by_type),
    }
    if description.strip():
        operation["description"] = description.strip()
    if security := _security(endpoint):
        operation["security"] = security
    if parameters := _parameters(endpoint, by_type, components):
        operation["parameters"] = parameters
    if "body" in endpoint.hints:
        schema = by_type[repr(endpoint.hints["body"])]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    elif endpoint.takes:
        operation["requestBody"] = {"required": True, "content": {endpoint.takes: {}}}
    return operation


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """What may be shown, one of them; nothing is a choice where anybody may come."""
    known: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
    if endpoint.devices is DeviceScope.OPDS:
        known.append({"device": []})
    if endpoint.permission is not Permission.PUBLIC:
        return known
    return [{}, *known] if endpoint.devices else []


def _parameters(
    endpoint: Endpoint, by_type: dict[str, Any], components: dict[str, Any]
) -> list[dict[str, Any]]:
    found = [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "schema": by_type[repr(endpoint.hints[match["name"]])],
        }
        for match in _ARGUMENT.finditer(endpoint.rule)
    ]
    if IfMatch in endpoint.hints.values():
        found.append(_IF_MATCH)
    kind = endpoint.hints.get("query")
    if kind is None:
        return found
    lists = sequence_fields(kind)
    component = components[kind.__name__]
    required = component.get("required", ())
    for name, schema in component["properties"].items():
        parameter = {"name": name, "in": "query", "schema": _optional(schema)}
        if name in required:
            parameter["required"] = True
        if text := schema.get("description"):
            parameter["description"] = text
        if name in lists:
            parameter |= {"style": "form", "explode": True}
        found.append(parameter)
    return found


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter may be left out, but never be ``null``."""
    plain = {k: v for k, v in schema.items() if k != "description"}
    branches = [b for b in plain.get("anyOf", ()) if b != {"type": "null"}]
    if plain.get("default", "") is None:
        del plain["default"]
    if len(branches) == 1:
        return {**{k: v for k, v in plain.items() if k != "anyOf"}, **branches[0]}
    return plain


def _responses(endpoint: Endpoint, by_type: dict[str, Any]) -> dict[str, Any]:
    kind = _answer_type(endpoint)
    status = endpoint.status if kind is not None or not endpoint.json else 204
    responses: dict[str, Any] = {str(status): {"description": HTTPStatus(status).phrase}}
    if kind is not None:
        content = {"application/json": {"schema": by_type[repr(kind)]}}
        responses[str(status)]["content"] = content
    if endpoint.method == "GET" and endpoint.json:
        responses["304"] = {"description": "Not Modified"}
    if "query" in endpoint.hints:
        responses["414"] = {"description": "The address is longer than the server reads"}
    codes = {*endpoint.problems, *_implied(endpoint)}
    for code in sorted(codes):
        schema = {"$ref": _REF.format(name="Problem")}
        responses[str(code)] = {
            "description": HTTPStatus(code).phrase,
            "content": {"application/problem+json": {"schema": schema}},
        }
    return responses


def _implied(endpoint: Endpoint) -> set[int]:
    """The problems that follow from what an endpoint takes."""
    codes = {401, 500, 503}
    if _ARGUMENT.search(endpoint.rule):
        codes.add(404)
    if "query" in endpoint.hints:
        codes |= {404, 422}
    if endpoint.permission is not Permission.PUBLIC:
        codes.add(403)
    if "body" in endpoint.hints:
        codes |= {400, 409, 413, 415, 422}
    elif endpoint.method != "GET":
        codes |= {409, 422}
    if endpoint.takes:
        codes |= {400, 413}
    if endpoint.limited:
        codes.add(429)
    return codes
