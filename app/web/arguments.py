"""What a request brings: path, query, header and body as typed values, each fault by its place."""

from __future__ import annotations

import re
import typing
from typing import Any, NewType

import msgspec
from flask import Response, request

from app.errors import Fault, InvalidError, NotFoundError, VersionRequiredError
from app.web.problems import MALFORMED, MEDIA_TYPE, answer

IfMatch = NewType("IfMatch", int)
"""The version that the caller read, from the header If-Match (``"v3"``)."""


def sequence_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a query struct that may be given more than once."""
    hints = typing.get_type_hints(kind)
    return frozenset(
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if typing.get_origin(hints[field.name]) in (tuple, list)
    )


def from_path(value: str, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise NotFoundError(name.removesuffix("_id"), value[:64]) from error


def from_query(kind: type[msgspec.Struct], lists: frozenset[str], strict: bool) -> Any:
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


def if_match() -> int:
    tag = request.headers.get("If-Match", "").strip()
    if not tag:
        raise VersionRequiredError
    if (match := _VERSION.fullmatch(tag)) is None:
        raise InvalidError(Fault("If-Match", "invalid", 'the ETag that you read, such as "v3"'))
    return int(match[1])


_VERSION = re.compile(r'"v([1-9][0-9]{0,8})"')


def from_body(decoder: msgspec.json.Decoder[Any]) -> Any:
    if request.mimetype not in ("application/json", "application/merge-patch+json"):
        raise RefusedError(answer(MEDIA_TYPE, f"{request.mimetype or 'no type'!r} is not JSON."))
    data = request.get_data()
    try:
        return _decoded(decoder, data)
    except msgspec.ValidationError as error:
        raise InvalidError(fault_of(error, "body")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(answer(MALFORMED, f"The body is not JSON: {error}")) from error


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


class RefusedError(Exception):
    """What cannot even be read: carries its answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `(?P<place>.*)`)?$", re.DOTALL)
_MEMBER = re.compile(r"(?P<what>unknown|missing required) field `(?P<name>.*)`", re.DOTALL)


def fault_of(error: msgspec.ValidationError, root: str) -> Fault:
    """The fault that a validation error names (``Expected `int` - at `$.limit```)."""
    match = _PLACE.match(str(error))
    place = ((match["place"] if match else None) or "$").replace("$", root, 1)
    message = match["message"] if match else str(error)
    if member := _MEMBER.search(message):
        code = "unknown" if member["what"] == "unknown" else "missing"
        return Fault(f"{place}.{member['name'][:64]}", code, message)
    return Fault(place, "invalid", message)
