"""The bare Flask that ours is compared with: ``gunicorn 'bench.bare:create_app()'``."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response, send_file

JSON = "application/json"


def create_app() -> Flask:
    """So many fixed bytes of JSON, and the loose files of a folder."""
    app = Flask("bare", static_folder=None)
    folder = Path(os.environ.get("BARE_FOLDER", "/nonexistent"))
    bodies: dict[int, bytes] = {}

    @app.get("/bytes/<int:size>")
    def fixed(size: int) -> Response:
        body = bodies.get(size) or bodies.setdefault(size, b"1" * size)
        return Response(body, content_type=JSON)

    @app.get("/chapters/<int:number>")
    def chapter(number: int) -> Response:
        return send_file(folder / str(number), mimetype="application/xhtml+xml")

    return app
