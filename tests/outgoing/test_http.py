"""Asking other systems: what they answer, and what they may do to whoever asks."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.database import now
from app.outgoing.http import HttpWeb
from app.outgoing.ports import Outgoing, OutgoingError

WEB = HttpWeb(own_machine=True)
FINE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfine"
Conversation = Callable[[socket.socket], None]


@contextmanager
def system(*conversations: Conversation) -> Iterator[int]:
    """A system that has one of these conversations with whoever connects, in turn; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            for converse in conversations:
                there, _ = listening.accept()
                with there, suppress(OSError):
                    converse(there)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    with suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)  # or accepting waits for ever
    listening.close()
    thread.join(5)


def says(answer: bytes) -> Conversation:
    """Reads what is asked, and answers this."""

    def converse(there: socket.socket) -> None:
        there.recv(65536)
        there.sendall(answer)

    return converse


def refusal(asked: Outgoing, web: HttpWeb = WEB) -> str:
    """Why there is no answer."""
    with pytest.raises(OutgoingError) as caught:
        web.ask(asked)
    return str(caught.value)


def test_a_system_is_asked_and_answers() -> None:
    heard: list[bytes] = []

    def converse(there: socket.socket) -> None:
        heard.append(there.recv(65536))
        there.sendall(FINE)

    with system(converse) as port:
        asked = Outgoing("POST", f"http://127.0.0.1:{port}/a?b=c", {"X-Mark": "1"}, b"hello")
        answer = WEB.ask(asked)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (
        200, b"fine", "text/plain",
    )  # fmt: skip
    assert answer.is_fine
    assert heard[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"X-Mark: 1\r\n" in heard[0]


def test_a_redirect_is_an_answer_and_nothing_is_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with system(says(moved), says(FINE)) as port:
        answer = WEB.ask(Outgoing("GET", f"http://127.0.0.1:{port}/"))
    assert (answer.status, answer.is_fine) == (302, False)


@pytest.mark.parametrize("head", [b"Content-Length: 99999\r\n", b""])
def test_an_answer_without_end_is_cut_short(head: bytes) -> None:
    with system(says(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + b"x" * 99_999)) as port:
        said = refusal(Outgoing("GET", f"http://127.0.0.1:{port}/", most=1000))
    assert "too large" in said


def _drip(there: socket.socket) -> None:
    there.recv(65536)
    there.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        there.sendall(b"x")
        time.sleep(0.02)


def _drip_headers(there: socket.socket) -> None:
    there.recv(65536)
    there.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        there.sendall(b"x")
        time.sleep(0.02)


def _hang(there: socket.socket) -> None:
    there.recv(65536)
    there.recv(65536)


@pytest.mark.parametrize("converse", [_drip, _drip_headers, _hang])
def test_who_takes_too_long_is_left(converse: Conversation) -> None:
    with system(converse) as port:
        begun = time.monotonic()
        refusal(Outgoing("GET", f"http://127.0.0.1:{port}/", patience=0.3))
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]"])
def test_an_open_installation_does_not_ask_its_own_machine(host: str) -> None:
    with system(says(FINE)) as port:
        assert "not asked" in refusal(Outgoing("GET", f"http://{host}:{port}/"), HttpWeb())


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1%25lo]", "0.0.0.0", "224.0.0.1"])  # noqa: S104
def test_addresses_of_the_link_are_never_asked(address: str) -> None:
    refusal(Outgoing("GET", f"http://{address}/latest/meta-data", patience=1))


def test_a_name_that_stands_for_this_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    assert "not asked" in refusal(Outgoing("GET", "http://innocent.example/"), HttpWeb())


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/", "http:///x", "http://[x/", "http://a:x/", ""]
)
def test_only_the_web_is_asked(url: str) -> None:
    assert "no address" in refusal(Outgoing("GET", url))


def test_nothing_is_smuggled_in_by_an_address() -> None:
    with system(says(FINE)) as port:
        refusal(Outgoing("GET", f"http://127.0.0.1:{port}/a b\r\nX: y"))


def test_who_cannot_show_who_it_is_gets_nothing(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now()).not_valid_after(now() + timedelta(days=1))
    pem = made.sign(key, SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "its.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "its.pem")

    def converse(there: socket.socket) -> None:
        says(FINE)(context.wrap_socket(there, server_side=True))

    with system(converse) as port:
        said = refusal(Outgoing("GET", f"https://127.0.0.1:{port}/", {"Authorization": "secret"}))
    assert "SSLCertVerificationError" in said


def test_what_is_asked_shows_nowhere() -> None:
    shown = repr(Outgoing("POST", "https://a.example/?code=1", {"Authorization": "2"}, b"3"))
    assert "a.example" not in shown
    assert not {"code", "2", "3"} & set(shown.replace("'", " ").split())
