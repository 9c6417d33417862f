"""Messages between the caller and a child: four bytes of length, then MessagePack."""

import struct
from pathlib import Path

import msgspec

LENGTH = struct.Struct("<L")
MOST = 256 * 1024 * 1024


class Job(msgspec.Struct, frozen=True):
    """A file to examine, the folder to write into, and the file's name."""

    path: Path
    folder: Path
    name: str | None = None


def frame(message: object) -> bytes:
    """A message ready to send."""
    body = msgspec.msgpack.encode(message, enc_hook=str)
    return LENGTH.pack(len(body)) + body
