"""A worker that is killed while it tells a system: another tells it, over the real network."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import KEY, House, environ_of
from identity.people import Browser, person

from signon import ends

PHONE = "13800001234"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def working(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a process of its own."""
    environ = {**os.environ, **environ_of(folder), "KAIJUAN_SECRET_KEYS": KEY}
    child = subprocess.Popen([sys.executable, "-m", "app.cli", "worker"], env=environ)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def heard(listening: socket.socket, answer: bytes) -> bytes:
    """What somebody says who connects; they are answered this."""
    there, _ = listening.accept()
    with there:
        said = there.recv(65536)
        while b"logout_token=" not in said:
            said += there.recv(65536)
        there.sendall(answer)
    return said


@pytest.mark.timeout(120)
def test_who_is_killed_while_telling_is_taken_over(house: House, tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)
    person(house, PHONE)
    reader = Browser(house)
    reader.sign_in(PHONE)
    ends.sign_on(reader, ends.system(house, f"http://127.0.0.1:{listening.getsockname()[1]}/told"))
    reader.send("DELETE", "/session")
    with working(tmp_path / "data") as first:
        there, _ = listening.accept()
        first.kill()
        first.wait()
        there.close()
    assert ends.noted(house) == 1, "nothing was forgotten"
    ends.later(house)
    with working(tmp_path / "data"):
        said = heard(listening, FINE)
        deadline = time.monotonic() + 30
        while ends.noted(house) and time.monotonic() < deadline:
            time.sleep(0.05)
    listening.close()
    token = said.partition(b"logout_token=")[2].decode()
    assert ends.claims(house, token, "logout+jwt")["sid"]
    assert ends.noted(house) == 0
