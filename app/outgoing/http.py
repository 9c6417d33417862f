"""Requests over HTTP: bounded in time and size, following nothing, to no address of our own.

Who looks after a system registers its address, so it may be any. What an address stands for is
looked up once, and only that is connected to: a name that changes in between leads nowhere else.
Addresses of the link (where clouds keep their machines' secrets) are never asked, those of this
machine only where the installation itself is not open to the world. Private networks are where
libraries' systems are.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv6Address, ip_address
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from app.outgoing.ports import Incoming, Outgoing, OutgoingError

AGENT = "Kaijuan"
_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class HttpWeb:
    """The network as it is. ``own_machine`` lets addresses of this machine be asked too."""

    own_machine: bool = False

    def ask(self, asked: Outgoing) -> Incoming:
        """See :class:`app.outgoing.ports.Web`."""
        there = _parsed(asked.url)
        ends = time.monotonic() + asked.patience
        try:
            reached = self._reach(there.hostname or "", there.port or _port(there), ends)
            with _cut_off(reached, ends) as is_late:
                answer = _exchange(asked, there, reached)
                if is_late.is_set():  # what was cut short may look whole
                    raise OutgoingError("it took too long")
                return answer
        except (OSError, HTTPException, ValueError) as error:
            raise OutgoingError(f"no answer: {type(error).__name__}") from None

    def _reach(self, host: str, port: int, ends: float) -> socket.socket:
        """A connection to the first of the host's addresses that takes one."""
        last: Exception = OutgoingError("there is nothing under this name")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            if not self._may_ask(str(address[0])):
                last = OutgoingError("this address is not asked")
                continue
            left = ends - time.monotonic()
            if left <= 0:
                raise OutgoingError("it took too long")
            tried = socket.socket(family, kind, protocol)
            tried.settimeout(left)
            try:
                tried.connect(address)
                return tried
            except OSError as error:
                tried.close()
                last = error
        raise last

    def _may_ask(self, address: str) -> bool:
        known = ip_address(address.partition("%")[0])
        if isinstance(known, IPv6Address):
            known = known.ipv4_mapped or known
        if known.is_loopback:
            return self.own_machine
        return not (known.is_link_local or known.is_multicast or known.is_unspecified)


def _parsed(url: str) -> SplitResult:
    try:
        there = urlsplit(url)
        is_known = there.scheme in ("http", "https") and there.hostname and there.port != 0
    except ValueError:
        is_known = False
    if not is_known:
        raise OutgoingError("this is no address of the web")
    return there


def _port(there: SplitResult) -> int:
    return 443 if there.scheme == "https" else 80


@contextmanager
def _cut_off(reached: socket.socket, ends: float) -> Iterator[Event]:
    """Ends the conversation when its time is over, at whatever step: a drip is no answer."""
    is_late = Event()

    def cut() -> None:
        is_late.set()
        with suppress(OSError):
            reached.shutdown(socket.SHUT_RDWR)

    timer = Timer(max(0.0, ends - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()
        reached.close()


def _exchange(asked: Outgoing, there: SplitResult, reached: socket.socket) -> Incoming:
    host = there.hostname or ""
    connection: HTTPConnection
    if there.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(host, there.port, context=context)
        connection.sock = context.wrap_socket(reached.dup(), server_hostname=host)
    else:
        connection = HTTPConnection(host, there.port)
        connection.sock = reached.dup()
    path = (there.path or "/") + (f"?{there.query}" if there.query else "")
    try:
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        connection.request(asked.method, path, asked.body, headers | dict(asked.headers))
        with connection.getresponse() as response:
            return _read(response, asked.most)
    finally:
        connection.close()


def _read(response: HTTPResponse, most: int) -> Incoming:
    body = bytearray()
    while chunk := response.read(_CHUNK):
        body += chunk
        if len(body) > most:
            raise OutgoingError("the answer is too large")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Incoming(response.status, bytes(body), headers)
