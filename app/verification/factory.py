"""From an address in the settings to the service behind it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import parse_qs, urldefrag, urlsplit

from app.outgoing.ports import Web
from app.verification.gateway import GatewayVerifier
from app.verification.ports import Method, Verifier
from app.verification.simulator import Simulator


def open_verifier(url: str, web: Web) -> Verifier | None:
    """The service at ``https://…`` or ``simulator:``; none where there is no address.

    ``#number`` or ``#carrier`` at its end offers that method alone.

    :raises ValueError: for what is no such address; the message does not repeat it.
    """
    if not url:
        return None
    address, fragment = urldefrag(url)
    parts = urlsplit(address)
    offers = _offered(fragment)
    if parts.scheme == "simulator":
        return _simulator(parts.query, offers)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("https://… or simulator:")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise ValueError("https://…: identity numbers do not travel in the clear")
    return GatewayVerifier(address, web, offers)


def _offered(fragment: str) -> tuple[Method, ...]:
    try:
        return tuple(Method(one) for one in fragment.split(",") if one) or tuple(Method)
    except ValueError:
        raise ValueError("#number, #carrier, or neither at the end") from None


def _simulator(query: str, offers: tuple[Method, ...]) -> Simulator:
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    known = {"seed": given.pop("seed", "0"), "faults": given.pop("faults", "0")}
    if given or not all(value.isdecimal() for value in known.values()):
        raise ValueError("simulator:?seed=7&faults=30, or simulator:")
    return Simulator(int(known["seed"]), int(known["faults"]), offers)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
