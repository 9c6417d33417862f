"""From an address in the settings to the messenger behind it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from app.messaging.gateway import GatewayMessenger
from app.messaging.memory import MemoryMessenger
from app.messaging.outbox import OutboxMessenger
from app.messaging.ports import Messenger
from app.messaging.smtp import SmtpMessenger


def open_messenger(url: str) -> Messenger:
    """The messenger at ``file:///folder``, ``smtp(s)://…`` or ``http(s)://…``.

    :raises ValueError: for what is no such address; the message does not repeat it.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return OutboxMessenger(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return MemoryMessenger()
    if not parts.hostname:
        raise ValueError("an address with its host")
    if parts.scheme in ("http", "https"):
        return GatewayMessenger(url)
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError("file:///folder, smtp(s)://… or http(s)://…")
    return _smtp(url)


def _smtp(url: str) -> SmtpMessenger:
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    sender = options.get("from", [""])[-1]
    if "@" not in sender:
        raise ValueError("an address that says ?from=library@example.org")
    tls = "tls" if parts.scheme == "smtps" else options.get("tls", ["starttls"])[-1]
    if tls not in ("tls", "starttls", "none"):
        raise ValueError("tls=starttls, or tls=none within one's own network")
    return SmtpMessenger(
        host=parts.hostname or "",
        port=parts.port or (465 if tls == "tls" else 587),
        sender=sender,
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
