"""SMS by a gateway that takes ``POST {"to": …, "text": …}`` and answers 2xx.

Services for SMS differ in signatures and templates: what stands before one is a few lines of the
operator's own.
"""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import msgspec

from app.messaging.ports import Message, MessengerError

TIMEOUT = 15


@dataclass(frozen=True, slots=True)
class GatewayMessenger:
    """Posts each message to ``url``, with the name and password that stand in it (RFC 7617)."""

    url: str = field(repr=False)

    def send(self, message: Message) -> None:
        """See :class:`app.messaging.ports.Messenger`."""
        there = urlsplit(self.url)
        body = msgspec.json.encode({"to": message.to, "text": message.text})
        headers = {"Content-Type": "application/json"}
        if there.username:
            pair = f"{unquote(there.username)}:{unquote(there.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        path = (there.path or "/") + (f"?{there.query}" if there.query else "")
        connection = _connection(there.scheme, there.hostname or "", there.port)
        try:
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise MessengerError(f"the gateway: {type(error).__name__}") from None
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise MessengerError(f"the gateway answered {status}")


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
