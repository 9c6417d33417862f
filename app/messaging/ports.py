"""The port: one message to one person, by mail or by SMS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. ``to`` is an e-mail address, or a phone number in E.164; SMS have no subject.

    Address and text are personal: neither shows in a log or a traceback.
    """

    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str = ""


class MessengerError(Exception):
    """The message was not taken over, as far as is known. It names neither address nor text."""


class Messenger(Protocol):
    """A way to people. A message may be handed over twice when a process dies in between."""

    def send(self, message: Message) -> None:
        """Hands the message over to whoever delivers it.

        :raises MessengerError: when that fails or takes too long.
        """
