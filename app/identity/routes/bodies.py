"""What the endpoints of accounts take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

HandleText = Annotated[str, Meta(min_length=2, max_length=254)]
PasswordText = Annotated[str, Meta(min_length=1, max_length=200)]
CodeText = Annotated[str, Meta(min_length=6, max_length=40)]
TicketText = Annotated[str, Meta(min_length=8, max_length=64)]
NameText = Annotated[str, Meta(min_length=1, max_length=64)]


class SignInLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret of a link that works once."""

    secret: Annotated[str, Meta(min_length=20, max_length=100)]


class PasswordSignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number or e-mail address, or with ``library`` the number of its card."""

    handle: HandleText
    password: PasswordText
    library: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class CodeWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a code is to be sent, and what for."""

    purpose: Literal["sign-up", "sign-in", "recover"]
    handle: HandleText


class HandleWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number or address that is to be added."""

    handle: HandleText


class Ticket(msgspec.Struct, frozen=True):
    """By which the code is shown that was sent, if there was whom to send it to."""

    ticket: str
    seconds: int
    """How long the code is valid."""


class CodeShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code, with the ticket that it was asked for by."""

    ticket: TicketText
    code: CodeText


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs up; without a password, codes are what one signs in by.

    ``agreed`` are the versions of the texts, by purpose, that `/api/v1/documents` asks for;
    ``born`` is the year of birth of whoever is under eighteen.
    """

    ticket: TicketText
    code: CodeText
    name: NameText
    agreed: Annotated[dict[str, str], Meta(max_length=8)]
    password: PasswordText | None = None
    library: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    born: Annotated[int, Meta(ge=1900, le=2100)] | None = None


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another password for who has the code."""

    ticket: TicketText
    code: CodeText
    password: PasswordText


class FactorCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the second factor, or a recovery code."""

    code: CodeText


class NameChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one is called."""

    name: NameText


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``old`` is left out where there is no password yet."""

    password: PasswordText
    old: Annotated[str, Meta(max_length=200)] = ""


class FactorKey(msgspec.Struct, frozen=True):
    """What the device is to learn: a key in base32, and both in one ``otpauth:`` address."""

    key: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Each works once, in the place of the device. They are shown this once."""

    codes: list[str]


class SessionItem(msgspec.Struct, frozen=True):
    """A session: where and how it was begun, when it was last seen; ``current`` is this one."""

    id: str
    device: str
    network: str
    methods: list[str]
    made_at: str
    seen_at: str | None
    expires_at: str
    current: bool


class SessionList(msgspec.Struct, frozen=True):
    """One's sessions, the one used last first; a hundred at most."""

    items: list[SessionItem]
    next: None = None


class Closing(msgspec.Struct, frozen=True):
    """When the account will be closed, unless its owner signs in before."""

    closing_at: str
