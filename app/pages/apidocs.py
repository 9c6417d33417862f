"""The OpenAPI document, in the shape of a page: operations by tag, then schemas."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.web import openapi

_METHODS = ("get", "post", "put", "patch", "delete")
Schema = dict[str, Any]


@cache
def readable(app: Flask) -> dict[str, Any]:
    """What the page shows: ``info``, ``groups`` of operations, ``schemas``."""
    document = openapi.document(app, "Kaijuan", "v1")
    operations = [
        _operation(path, method, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in _METHODS
    ]
    operations.sort(key=lambda operation: (operation["tag"], operation["path"]))
    return {
        "info": document["info"],
        "groups": [(t, list(o)) for t, o in groupby(operations, key=lambda o: str(o["tag"]))],
        "schemas": [_schema(n, s) for n, s in sorted(document["components"]["schemas"].items())],
    }


def _operation(path: str, method: str, said: Schema) -> dict[str, Any]:
    body = said.get("requestBody", {}).get("content", {})
    return {
        "id": said["operationId"],
        "path": path,
        "method": method,
        "tag": said["tags"][0],
        "summary": said["summary"],
        "description": said.get("description", ""),
        "permission": said.get("x-permission", ""),
        "parameters": [_parameter(parameter) for parameter in said.get("parameters", ())],
        "body": next((type_of(form["schema"]) for form in body.values() if "schema" in form), ""),
        "answers": [_answer(status, answer) for status, answer in said["responses"].items()],
    }


def _parameter(said: Schema) -> dict[str, Any]:
    return {
        "name": said["name"],
        "place": said["in"],
        "type": type_of(said["schema"]),
        "required": said.get("required", False),
        "description": said.get("description", ""),
    }


def _answer(status: str, said: Schema) -> dict[str, Any]:
    forms = said.get("content", {}).values()
    kind = next((type_of(form["schema"]) for form in forms if "schema" in form), "")
    return {"status": status, "description": said["description"], "type": kind}


def _schema(name: str, said: Schema) -> dict[str, Any]:
    required = said.get("required", ())
    fields = [
        {
            "name": field,
            "type": type_of(schema),
            "required": field in required,
            "description": schema.get("description", ""),
        }
        for field, schema in said.get("properties", {}).items()
    ]
    values = " · ".join(str(value) for value in said.get("enum", ()))
    return {"name": name, "description": said.get("description", "") or values, "fields": fields}


def type_of(schema: Schema) -> Markup:
    """A JSON Schema in a few words, named schemas as links to their place on the page."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return Markup('<a href="#schema-{0}"><code>{0}</code></a>').format(name)
    if "anyOf" in schema:
        return Markup(" | ").join(type_of(part) for part in schema["anyOf"])
    if "enum" in schema:
        return Markup(" | ").join(Markup("<code>{}</code>").format(v) for v in schema["enum"])
    if schema.get("type") == "array":
        return Markup("{} […]").format(type_of(schema.get("items", {})))
    kind = schema.get("type", "any")
    return Markup("{}").format(kind if isinstance(kind, str) else " | ".join(kind))
