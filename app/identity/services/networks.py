"""The networks of libraries: said one by one or from a table, taken back."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.batches import Report
from app.database import now, random_id
from app.errors import ConflictError, Fault, InvalidError, KaijuanError, NotFoundError
from app.identity import scope, tree
from app.identity.models import Library, LibraryNetwork
from app.identity.queries.networks import LEAST, plain
from app.identity.services import audit, authority
from app.identity.services.audit import Actor
from app.identity.wording import line
from app.lines import Refusal
from app.permissions import Permission

MOST = 200
"""Networks of one library."""
LONGEST_LABEL = 100
LARGEST_FILE = 16 * 1024 * 1024
COLUMNS = ("library", "cidr", "link", "label")


class Link(StrEnum):
    """How a library's readers come from there."""

    PRIVATE = "private"
    VPN = "vpn"
    INTERNET = "internet"


def short_form(text: str, place: str = "cidr") -> str:
    """A network in its one short form, such as ``10.1.0.0/16`` or ``2001:db8::/32``.

    An address alone is a network of itself. Sources: RFC 4632 section 3.1, RFC 5952 section 4.

    :raises InvalidError: for what is no network, has bits beyond its prefix, or is too large.
    """
    text = text.strip()
    try:
        loose = ip_network(text, strict=False)
    except ValueError as error:
        message = "a network such as 10.1.0.0/16 or 2001:db8::/32"
        raise InvalidError(Fault(place, "invalid", message)) from error
    network = plain(loose)
    try:
        ip_network(text)
    except ValueError as error:
        message = f"bits are set beyond the prefix; {network} is meant, perhaps"
        raise InvalidError(Fault(place, "host-bits", message)) from error
    if network.prefixlen < LEAST[network.version] or "%" in text:
        message = f"a library's own network: /{LEAST[network.version]} or smaller, without a zone"
        raise InvalidError(Fault(place, "too-large", message))
    return str(network)


def add(
    session: Session,
    actor: Actor,
    reach: Sequence[str],
    library_id: str,
    cidr: str,
    link: str,
    label: str = "",
) -> LibraryNetwork:
    """Says that these addresses are a library's. Others may say so too: they share a gateway.

    :raises NotFoundError, ForbiddenError: for the library. :raises InvalidError: for the network.
    :raises ConflictError: when it is said already, or the library has too many.
    """
    library = _managed(session, reach, library_id)
    cidr, link = short_form(cidr), _link(link)
    label = line(label, "label", LONGEST_LABEL, needed=False)
    wanted = select(LibraryNetwork.cidr).where(LibraryNetwork.library_id == library.id)
    held = session.scalars(wanted).all()
    if cidr in held:
        raise ConflictError(f"{cidr} is a network of {library.name} already.")
    if len(held) >= MOST:
        raise ConflictError(f"{library.name} has {MOST} networks, and cannot have more.")
    row = LibraryNetwork(
        id=random_id(),
        library_id=library.id,
        cidr=cidr,
        link=link,
        label=label,
        added_at=now(),
    )
    session.add(row)
    session.flush()
    _note(session, actor, "library.network-added", row)
    return row


def remove(
    session: Session, actor: Actor, reach: Sequence[str], library_id: str, network_id: str
) -> None:
    """Takes a network back.

    :raises NotFoundError: when the library has none of this id, or is not there.
    :raises ForbiddenError: outside the reach.
    """
    _managed(session, reach, library_id)
    row = session.get(LibraryNetwork, network_id)
    if row is None or row.library_id != library_id:
        raise NotFoundError("network", network_id)
    session.delete(row)
    _note(session, actor, "library.network-removed", row)


def import_file(session: Session, actor: Actor, path: Path) -> Report:
    """Takes networks from a table with the columns library, cidr, link and label; repeatable.

    What is there already gets the link and label of the table; nothing is taken back.

    :raises InvalidError: when the file is no such table.
    """
    report = Report()
    known = {(row.library_id, row.cidr): row for row in session.scalars(select(LibraryNetwork))}
    for number, row in enumerate(_rows(path), 2):
        report.read += 1
        try:
            _take(session, actor, row, known, report)
        except KaijuanError as error:
            fault = error.faults[0].code if isinstance(error, InvalidError) else "refused"
            report.refused += 1
            report.problems.append(Refusal(f"line {number}", fault, str(error)))
    return report


def _take(
    session: Session,
    actor: Actor,
    row: Mapping[str, str],
    known: dict[tuple[str, str], LibraryNetwork],
    report: Report,
) -> None:
    library_id, cidr = row["library"], short_form(row["cidr"])
    link, label = _link(row["link"]), line(row["label"], "label", LONGEST_LABEL, needed=False)
    held = known.get((library_id, cidr))
    if held is None:
        made = add(session, actor, scope.EVERYWHERE, library_id, cidr, link, label)
        known[library_id, cidr] = made
        report.added += 1
    elif (held.link, held.label) == (link, label):
        report.unchanged += 1
    else:
        held.link, held.label = link, label
        _note(session, actor, "library.network-changed", held)
        report.changed += 1


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if path.stat().st_size > LARGEST_FILE:
        raise InvalidError(Fault(path.name, "too-large", f"at most {LARGEST_FILE:,} bytes"))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
            if missing:
                raise InvalidError(Fault(path.name, "columns", "missing: " + ", ".join(missing)))
            for row in reader:
                yield {name: (row.get(name) or "").strip() for name in COLUMNS}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidError(Fault(path.name, "not-a-table", str(error))) from error


def _managed(session: Session, reach: Sequence[str], library_id: str) -> Library:
    """The library, locked, so that nobody else adds to its networks meanwhile."""
    library = tree.locked(session, library_id)
    authority.require(reach, Permission.MANAGE_LIBRARIES, library)
    return library


def _link(text: str) -> Link:
    try:
        return Link(text)
    except ValueError as error:
        raise InvalidError(Fault("link", "unknown", "one of " + ", ".join(Link))) from error


def _note(session: Session, actor: Actor, action: str, row: LibraryNetwork) -> None:
    detail = {"cidr": row.cidr, "link": row.link}
    audit.note(session, actor, action, f"library:{row.library_id}", row.library_id, **detail)
