"""The networks of a library: from where its readers come."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.database import rfc3339
from app.identity import tree
from app.identity.models import LibraryNetwork
from app.identity.queries import networks as queries
from app.identity.schemas import LibraryId
from app.identity.services import authority, networks
from app.identity.services.audit import actor_of
from app.permissions import Caller, Permission
from app.web.api import Answer, Endpoints

library_networks = Endpoints("identity.library_networks", "/api/v1/libraries/<library_id>/networks")
MANAGE = Permission.MANAGE_LIBRARIES
NetworkId = Annotated[str, Meta(min_length=1, max_length=32)]


class NewNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses by CIDR, IPv4 or IPv6, such as `10.1.0.0/16` or `2001:db8::/32`."""

    cidr: Annotated[str, Meta(min_length=2, max_length=60)]
    link: Literal["private", "vpn", "internet"]
    label: Annotated[str, Meta(max_length=networks.LONGEST_LABEL)] = ""


class Network(msgspec.Struct, frozen=True, omit_defaults=True):
    """A network of a library, in its one short form."""

    id: str
    cidr: str
    link: str
    added_at: str
    label: str = ""


class NetworkList(msgspec.Struct, frozen=True):
    """The networks of a library; there are never more than 200."""

    items: list[Network]
    next: None = None


@library_networks.get("", MANAGE)
def index(session: Session, caller: Caller, library_id: LibraryId) -> NetworkList:
    """The networks of a library that you manage."""
    authority.require(caller.reach(MANAGE), MANAGE, tree.get(session, library_id))
    return NetworkList([_item(row) for row in queries.listed(session, library_id)])


@library_networks.post("", MANAGE, status=201, problems=(409,))
def add(
    session: Session, caller: Caller, library_id: LibraryId, body: NewNetwork
) -> Answer[Network]:
    """Say that these addresses are a library's.

    Several libraries may stand behind one address: each says so.
    """
    actor, reach = actor_of(caller), caller.reach(MANAGE)
    row = networks.add(session, actor, reach, library_id, body.cidr, body.link, body.label)
    location = f"/api/v1/libraries/{library_id}/networks/{row.id}"
    return Answer(_item(row), 201, headers={"Location": location})


@library_networks.delete("/<network_id>", MANAGE)
def remove(session: Session, caller: Caller, library_id: LibraryId, network_id: NetworkId) -> None:
    """Take a network back: its addresses are the library's no longer."""
    networks.remove(session, actor_of(caller), caller.reach(MANAGE), library_id, network_id)


def _item(row: LibraryNetwork) -> Network:
    return Network(row.id, row.cidr, row.link, rfc3339(row.added_at), row.label)
