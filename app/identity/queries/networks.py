"""Whose network an address lies in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Library, LibraryNetwork
from app.identity.models.libraries import LibraryState

LEAST = {4: 8, 6: 24}
"""Bits of the prefix at least: no library owns more of the network than that."""
_MAPPED = IPv6Network("::ffff:0:0/96")
WORKING = (LibraryState.SETTING_UP, LibraryState.JOINED)
"""States in which a library's networks let anybody in."""


@dataclass(frozen=True, slots=True)
class Place:
    """A library behind an address, and by which kind of link: private, vpn or internet."""

    library_id: str
    path: str
    link: str


def of(session: Session, address: str) -> tuple[Place, ...]:
    """The working libraries in whose networks an address lies, in the tree's order.

    What is no address lies in none.

    One statement: the networks that an address can be in are few, and are looked for by equality.
    Of several networks of a library that hold it, the smallest says the link.
    """
    candidates = holding(address)
    if not candidates:
        return ()
    wanted = (
        select(Library.id, Library.path, LibraryNetwork.link, LibraryNetwork.cidr)
        .join(LibraryNetwork, LibraryNetwork.library_id == Library.id)
        .where(LibraryNetwork.cidr.in_(candidates), Library.state.in_(WORKING))
        .order_by(Library.path)
    )
    found: dict[str, tuple[int, Place]] = {}
    for row in session.connection().execute(wanted):
        size = candidates.index(row.cidr)
        if row.id not in found or found[row.id][0] < size:
            found[row.id] = size, Place(row.id, row.path, row.link)
    return tuple(place for _, place in found.values())


@lru_cache(maxsize=4_096)
def holding(address: str) -> Sequence[str]:
    """Every network that an address may be said to lie in, the largest first, in its short form.

    IPv4 within IPv6 is IPv4 (RFC 4291 section 2.5.5.2); a zone (RFC 4007) does not count.
    """
    try:
        known: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return ()
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    sizes = range(LEAST[known.version], known.max_prefixlen + 1)
    return tuple(str(ip_network((known, size), strict=False)) for size in sizes)


def plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """A network as it is kept: IPv4 within IPv6 is IPv4."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((int(mapped or 0), network.prefixlen - _MAPPED.prefixlen))
    return network


def listed(session: Session, library_id: str) -> list[LibraryNetwork]:
    """The networks of a library, by their addresses' text."""
    wanted = select(LibraryNetwork).where(LibraryNetwork.library_id == library_id)
    return list(session.scalars(wanted.order_by(LibraryNetwork.cidr)))
