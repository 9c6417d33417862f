"""Each way to people: the outbox, a mail server, a gateway, memory."""

import email
import json
import os
import socketserver
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from contracts.messaging import Arrived, FailingContract, MessengerContract

from app.messaging.factory import open_messenger
from app.messaging.memory import MemoryMessenger
from app.messaging.outbox import KEPT, OutboxMessenger
from app.messaging.ports import Message, Messenger
from app.messaging.smtp import SmtpMessenger


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[int]:
    """The port of a server that runs for as long."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[misc]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestMemory(MessengerContract):
    """Nowhere."""

    @pytest.fixture
    def messenger(self) -> MemoryMessenger:
        return MemoryMessenger()

    @pytest.fixture
    def arrived(self, messenger: MemoryMessenger) -> Arrived:
        return lambda: [(one.to, one.text) for one in messenger.sent]


class TestOutbox(MessengerContract, FailingContract):
    """A folder."""

    @pytest.fixture
    def messenger(self, tmp_path: Path) -> OutboxMessenger:
        return OutboxMessenger(tmp_path / "outbox")

    @pytest.fixture
    def broken(self, tmp_path: Path) -> OutboxMessenger:
        (tmp_path / "file").touch()
        return OutboxMessenger(tmp_path / "file" / "outbox")

    @pytest.fixture
    def arrived(self, tmp_path: Path) -> Arrived:
        def read() -> list[tuple[str, str]]:
            files = sorted((tmp_path / "outbox").glob("*.eml"))
            mails = [email.message_from_bytes(f.read_bytes(), policy=default) for f in files]
            return [(m["To"], m.get_content().strip()) for m in mails]  # type: ignore[attr-defined]

        return read

    def test_only_its_owner_can_read_it(self, messenger: Messenger, tmp_path: Path) -> None:
        messenger.send(Message("reader@example.org", "012345"))
        (file,) = (tmp_path / "outbox").iterdir()
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)]
        assert modes == [0o600, 0o700]

    def test_what_is_old_goes(self, messenger: Messenger, tmp_path: Path) -> None:
        messenger.send(Message("reader@example.org", "1"))
        (old,) = (tmp_path / "outbox").iterdir()
        os.utime(old, (time.time() - KEPT - 9,) * 2)
        messenger.send(Message("reader@example.org", "2"))
        assert not old.exists()


class MailServer(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that sends one message."""

    def handle(self) -> None:
        self.say("220 tests")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            if line.upper().startswith("RCPT") and getattr(self.server, "refuses", False):
                self.say("550 <reader@example.org> is nobody")
                continue
            if line.upper().startswith("RCPT"):
                recipient = line.partition("<")[2].rstrip(">")
            if line.upper() == "DATA":
                self.say("354 go on")
                self.take(recipient)
            if line.upper() == "QUIT":
                self.say("221 bye")
                return
            self.say("250 fine")

    def take(self, recipient: str) -> None:
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            data += self.rfile.readline()
        mail = email.message_from_bytes(data.removesuffix(b".\r\n"), policy=default)
        text = mail.get_content().strip()  # type: ignore[attr-defined]
        self.server.got.append((recipient, text))  # type: ignore[attr-defined]

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class TestSmtp(MessengerContract, FailingContract):
    """A mail server on loopback, without TLS."""

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as made:
            made.got = []  # type: ignore[attr-defined]
            with running(made):
                yield made

    @pytest.fixture
    def messenger(self, server: Any) -> Messenger:
        return open_messenger(
            f"smtp://127.0.0.1:{server.server_address[1]}?from=library@example.org&tls=none"
        )

    @pytest.fixture
    def broken(self, server: Any, messenger: Messenger) -> Messenger:
        server.refuses = True
        return messenger

    @pytest.fixture
    def arrived(self, server: Any) -> Arrived:
        return lambda: list(server.got)


class Gateway(BaseHTTPRequestHandler):
    """Takes JSON."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        refuses = getattr(self.server, "refuses", False)
        if not refuses:
            self.server.got.append((body["to"], body["text"]))  # type: ignore[attr-defined]
        self.server.said = self.headers["Authorization"]  # type: ignore[attr-defined]
        self.send_response(503 if refuses else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


class TestGateway(MessengerContract, FailingContract):
    """A gateway on loopback."""

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        made = HTTPServer(("127.0.0.1", 0), Gateway)
        made.got = []  # type: ignore[attr-defined]
        with running(made):
            yield made

    @pytest.fixture
    def messenger(self, server: Any) -> Messenger:
        return open_messenger(f"http://me:pass%20word@127.0.0.1:{server.server_port}/send")

    @pytest.fixture
    def broken(self, server: Any, messenger: Messenger) -> Messenger:
        server.refuses = True
        return messenger

    @pytest.fixture
    def arrived(self, server: Any) -> Arrived:
        return lambda: list(server.got)

    def test_it_says_who_it_is(self, server: Any, messenger: Messenger) -> None:
        messenger.send(Message("+8613800000000", "1"))
        assert server.said == "Basic bWU6cGFzcyB3b3Jk"


def test_an_address_says_how_the_line_is_protected() -> None:
    outer = open_messenger("smtps://u:p%40@mail.example.org?from=l@example.org")
    inner = open_messenger("smtp://mail.example.org?from=l@example.org")
    assert isinstance(outer, SmtpMessenger)
    assert isinstance(inner, SmtpMessenger)
    assert (outer.port, outer.tls, outer.password) == (465, "tls", "p@")
    assert (inner.port, inner.tls) == (587, "starttls")
    assert "p@" not in repr(outer)


@pytest.mark.parametrize(
    "url",
    ["smtp://mail.example.org", "smtp://?from=a@b", "ftp://x", "smtp://h?from=a@b&tls=perhaps"],
)
def test_an_address_without_what_it_needs_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|tls|file"):
        open_messenger(url)
