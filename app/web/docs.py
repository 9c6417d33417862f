"""The OpenAPI document of the application."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import msgspec
from flask import Flask, current_app
from msgspec import Raw

from app.permissions import Permission
from app.web import openapi
from app.web.api import Answer, Endpoints

docs = Endpoints("web.docs")


@cache
def _encoded(app: Flask) -> bytes:
    return msgspec.json.encode(openapi.document(app, "Kaijuan", version("kaijuan")))


@docs.get("/api/v1/openapi.json", Permission.PUBLIC, json=False)
def document() -> Answer[Raw]:
    """This document: every JSON endpoint, in OpenAPI 3.1."""
    return Answer(Raw(_encoded(current_app._get_current_object())), cache="public, max-age=300")  # type: ignore[attr-defined]  # werkzeug's proxy
