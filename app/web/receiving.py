"""A file that is sent as the body of a request: received whole before anything is decided."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from flask import g, request

from app.scratch import Scratch
from app.web.arguments import RefusedError
from app.web.problems import MALFORMED, answer

LARGEST = 512 * 1024 * 1024
"""Bytes: the most that is taken as one file."""
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """The body, in a file that is there until the request ends."""

    path: Path
    size: int
    digest: str
    """By which the same body is known again."""


def receive(scratch: Scratch) -> Received:
    """The body of the request, as far as its sender said that it reaches.

    :raises RefusedError: when the line broke off before that.
    :raises NoRoomError: when the disk is nearly full, or becomes so on the way.
    """
    request.max_content_length = LARGEST
    kept = g.kaijuan_files = ExitStack()
    path = kept.enter_context(scratch.folder()) / "body"
    digest, size = blake2b(digest_size=32), 0
    with path.open("wb") as file:
        while block := request.stream.read(_BLOCK):
            scratch.require_room()
            file.write(block)
            digest.update(block)
            size += len(block)
    promised = request.content_length
    if promised is not None and size != promised:
        message = f"Only {size:,} of {promised:,} bytes came; nothing was kept. Send it again."
        raise RefusedError(answer(MALFORMED, message))
    g.kaijuan_received = digest.hexdigest()
    return Received(path, size, g.kaijuan_received)


def fingerprint() -> bytes:
    """What tells the body of this request from another."""
    if (received := g.get("kaijuan_received")) is not None:
        return str(received).encode()
    return request.get_data() if request.is_json else b""


def forget(_error: BaseException | None) -> None:
    """Removes what was received when the request ends."""
    if (kept := g.pop("kaijuan_files", None)) is not None:
        kept.close()
