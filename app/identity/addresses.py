"""From where a request comes: what the connection says, and what trusted proxies add to it."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = tuple[IPv4Network | IPv6Network, ...]
_BRACKETS = re.compile(r"\[([^\[\]]*)\](?::\d+)?")
_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+")


def client_address(remote: str, forwarded: str, trusted: Networks) -> str:
    """The address of the client: the last one in the chain that no trusted proxy vouches for.

    ``remote`` is the connection's other end, ``forwarded`` the field X-Forwarded-For, to whose end
    each proxy adds whom it was asked by. What a client wrote there itself stands before that, and
    is never come to. Whatever a trusted proxy says that is no address lies in no network.
    """
    address = plain(remote)
    for claimed in reversed([part.strip() for part in forwarded.split(",")]):
        if not claimed:
            continue
        if not _is_within(address, trusted):
            break
        address = plain(claimed)
    return address


def plain(text: str) -> str:
    """An address in its one short form (RFC 5952), without a port, brackets or a zone (RFC 4007).

    IPv4 within IPv6 is IPv4 (RFC 4291 section 2.5.5.2). What is no address stays as it is.
    """
    bare = (_BRACKETS.fullmatch(text) or _PORT.fullmatch(text) or [text, text])[1]
    try:
        known = ip_address(bare.partition("%")[0])
    except ValueError:
        return text
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return str(known)


def _is_within(address: str, networks: Networks) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in networks)
