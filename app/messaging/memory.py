"""Messages that go nowhere: for tests, and to switch a way off."""

from __future__ import annotations

from app.messaging.ports import Message


class MemoryMessenger:
    """Keeps what it is handed for as long as it lives."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """See :class:`app.messaging.ports.Messenger`."""
        self.sent.append(message)
