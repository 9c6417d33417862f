"""Messages between the caller and a child: four bytes of length, then MessagePack.

Jobs go through a socket, because the file to be examined goes with them as an open descriptor: the
child may then be kept from opening files by itself.
"""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.publications.limits import Limits

LENGTH = struct.Struct("<L")
MOST = 256 * 1024 * 1024


class Beginning(msgspec.Struct, frozen=True):
    """What a child is told first: its limits, its own folder, and where its code lies."""

    limits: Limits
    folder: Path
    code: tuple[Path, ...]


class Job(msgspec.Struct, frozen=True):
    """The folder to write into, and the name of the file whose descriptor goes with this."""

    folder: Path
    name: str


def frame(message: object) -> bytes:
    """A message ready to send."""
    body = msgspec.msgpack.encode(message, enc_hook=str)
    return LENGTH.pack(len(body)) + body


def send(channel: socket.socket, message: object, descriptors: Sequence[int] = ()) -> None:
    """Send a message, and open files with it. Raises ConnectionError if nobody is there."""
    socket.send_fds(channel, [frame(message)], descriptors)


def receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    """The next message and the files that came with it; nothing at the end."""
    head, descriptors, _, _ = socket.recv_fds(channel, LENGTH.size, 1)
    if len(head) < LENGTH.size:
        return b"", descriptors
    return channel.recv(LENGTH.unpack(head)[0], socket.MSG_WAITALL), descriptors
