"""Mail by a server of one's own: submission with STARTTLS or TLS (RFC 6409, RFC 8314)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from app.messaging.ports import Message, MessengerError

TIMEOUT = 15
"""Seconds for each step of the conversation."""


@dataclass(frozen=True, slots=True)
class SmtpMessenger:
    """One connection a message: few are sent, and none waits for another.

    ``tls`` is ``tls`` from the first byte, ``starttls``, or ``none`` within one's own network.
    """

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)

    def send(self, message: Message) -> None:
        """See :class:`app.messaging.ports.Messenger`."""
        made = EmailMessage(policy=SMTP)
        made["From"], made["To"] = self.sender, message.to
        made["Subject"] = message.subject
        made["Date"], made["Message-ID"] = formatdate(), make_msgid(domain=_domain(self.sender))
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers from absent people
        made.set_content(message.text)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(made, self.sender, [message.to])
        except smtplib.SMTPResponseException as error:
            raise MessengerError(f"the mail server answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise MessengerError(f"the mail server: {type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.tls == "starttls":
            server.starttls(context=context)
        return server


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].rstrip(">") or "localhost"
