"""The embedded default: each message is a file that the operator of this machine can read."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from secrets import token_hex

from app.messaging.ports import Message, MessengerError

KEPT = 7 * 24 * 3600
"""Seconds after which a message is removed; that happens when the next one comes."""


class OutboxMessenger:
    """Writes messages into a folder that nobody else can look into (0700, files 0600)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> None:
        """See :class:`app.messaging.ports.Messenger`. The file appears whole."""
        made = EmailMessage(policy=SMTPUTF8)
        made["To"] = message.to
        if message.subject:
            made["Subject"] = message.subject
        made.set_content(message.text, cte="8bit")
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{token_hex(4)}.eml"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_old()
            part = self._folder / f".{name}"
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(made.as_bytes())
            part.rename(self._folder / name)
        except OSError as error:
            raise MessengerError(f"the outbox cannot be written to: {error.strerror}") from None

    def _forget_old(self) -> None:
        before = time.time() - KEPT
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process removes them too
                if path.stat().st_mtime < before:
                    path.unlink()
