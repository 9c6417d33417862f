"""What a CAS server answers to systems (CAS Protocol 3.0.3 §2.5–2.9, appendix A)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from lxml import etree

NAMESPACE = "http://www.yale.edu/tp/cas"
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0 §2.2)."""


class Code(StrEnum):
    """Why something was refused (§2.5.3, §2.7.3)."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_TICKET_SPEC = "INVALID_TICKET_SPEC"
    INVALID_TICKET = "INVALID_TICKET"
    INVALID_SERVICE = "INVALID_SERVICE"
    INVALID_PROXY_CALLBACK = "INVALID_PROXY_CALLBACK"
    UNAUTHORIZED_SERVICE = "UNAUTHORIZED_SERVICE"
    UNAUTHORIZED_SERVICE_PROXY = "UNAUTHORIZED_SERVICE_PROXY"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Success:
    """Who the person is."""

    user: str
    attributes: Mapping[str, str | bool | int] = field(default_factory=dict)
    """Told by the addresses below ``/p3`` alone, in this order."""
    granting: str = ""
    """The proxy-granting ticket IOU."""
    proxies: tuple[str, ...] = ()
    """The callback addresses of the systems it came through, the last first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a ticket is no good. What is said names nothing that was sent."""

    code: Code
    description: str


@dataclass(frozen=True, slots=True)
class ProxyTicket:
    """A proxy ticket."""

    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProxyFailure:
    """Why there is no proxy ticket."""

    code: Code
    description: str


CasAnswer = Success | Failure | ProxyTicket | ProxyFailure


def as_xml(answer: CasAnswer) -> bytes:
    """The document of an answer: a ``serviceResponse`` (appendix A)."""
    root = etree.Element(_name("serviceResponse"), nsmap={"cas": NAMESPACE})
    match answer:
        case Success():
            _success(etree.SubElement(root, _name("authenticationSuccess")), answer)
        case ProxyTicket():
            _add(etree.SubElement(root, _name("proxySuccess")), "proxyTicket", answer.ticket)
        case Failure():
            _add(root, "authenticationFailure", answer.description).set("code", answer.code)
        case ProxyFailure():
            _add(root, "proxyFailure", answer.description).set("code", answer.code)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def as_json(answer: CasAnswer) -> bytes:
    """The same as JSON (§2.5.2)."""
    match answer:
        case Success():
            found: dict[str, Any] = {"user": answer.user}
            if answer.attributes:
                found["attributes"] = answer.attributes
            if answer.granting:
                found["proxyGrantingTicket"] = answer.granting
            if answer.proxies:
                found["proxies"] = answer.proxies
            body = {"authenticationSuccess": found}
        case ProxyTicket():
            body = {"proxySuccess": {"proxyTicket": answer.ticket}}
        case Failure():
            body = {"authenticationFailure": _refusal(answer)}
        case ProxyFailure():
            body = {"proxyFailure": _refusal(answer)}
    return msgspec.json.encode({"serviceResponse": body})


def as_lines(answer: CasAnswer) -> bytes:
    """Two lines, as CAS 1.0 has them (§2.4.2)."""
    return f"yes\n{answer.user}\n".encode() if isinstance(answer, Success) else b"no\n\n"


def _success(parent: etree._Element, answer: Success) -> None:
    _add(parent, "user", answer.user)
    if answer.attributes:
        attributes = etree.SubElement(parent, _name("attributes"))
        for name, value in answer.attributes.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            _add(attributes, name, text)
    if answer.granting:
        _add(parent, "proxyGrantingTicket", answer.granting)
    if answer.proxies:
        proxies = etree.SubElement(parent, _name("proxies"))
        for proxy in answer.proxies:
            _add(proxies, "proxy", proxy)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    made = etree.SubElement(parent, _name(name))
    made.text = _NO_XML.sub("", text)
    return made


def _refusal(answer: Failure | ProxyFailure) -> dict[str, str]:
    return {"code": answer.code, "description": answer.description}


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"
