"""A line to an engine that can be slow, hang, break off, or say what no engine says."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from threading import Event, Thread

BLOCK = 64 * 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER without patience: the connection ends with RST, as when a host goes down."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line. Of ``every`` n-th connection or question only, if not of all."""

    refuses: bool = False
    hangs: bool = False
    delay: float = 0.0
    """Seconds that every block from the engine is late."""
    keep: int | None = None
    """Bytes of each answer that still come; then the connection breaks."""
    answer: bytes | None = None
    """Said in the engine's place."""
    every: int = 1


SOUND = Fault()


def http(status: str, body: bytes = b"{}", media_type: str = "application/json") -> bytes:
    """An answer of HTTP, such as ``503 Service Unavailable``."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


class Proxy:
    """Listens on a port of its own and passes everything on, as far as ``fault`` lets it."""

    def __init__(self, port: int) -> None:
        self.fault = SOUND
        self._target = ("127.0.0.1", port)
        self._asked = count(1)
        self._closed = Event()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._server.settimeout(0.5)
        self.port: int = self._server.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections and drops those there are."""
        self._closed.set()
        self._server.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            with suppress(OSError):
                client, _ = self._server.accept()
                Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            fault = self._due()
            if fault.refuses:
                return _break(client)
            with socket.create_connection(self._target) as engine:
                self._pass_on(client, engine)
        return None

    def _pass_on(self, client: socket.socket, engine: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            for end in (client, engine):
                ready.register(end, selectors.EVENT_READ, end)
            while not self._closed.is_set():
                for key, _ in ready.select(timeout=0.5):
                    data = key.data.recv(BLOCK)
                    if not data:
                        return
                    is_over = self._ask if key.data is client else self._tell
                    if is_over(data, client, engine):
                        return

    def _ask(self, data: bytes, client: socket.socket, engine: socket.socket) -> bool:
        """Passes on what the client says; whether that was the last."""
        fault = self._due()
        if fault.refuses:
            _break(client)
            return True
        if fault.hangs:
            while self.fault is fault and not self._closed.wait(0.1):
                pass
            _break(client)
            return True
        if fault.answer is not None:
            client.sendall(fault.answer)
            return True
        engine.sendall(data)
        return False

    def _tell(self, data: bytes, client: socket.socket, _engine: socket.socket) -> bool:
        """Passes on what the engine says; whether that was the last."""
        fault = self._due() if self.fault.keep is not None else self.fault
        if fault.keep is not None:
            client.sendall(data[: fault.keep])
            _break(client)
            return True
        time.sleep(fault.delay)
        client.sendall(data)
        return False

    def _due(self) -> Fault:
        fault = self.fault
        return fault if next(self._asked) % fault.every == 0 else SOUND


def _break(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
