"""From which networks readers of a library come."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from house import House, environ_of
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from app.cli import main
from app.errors import InvalidError
from app.identity.queries import networks
from app.identity.queries.networks import LEAST, Place
from app.identity.scope import EVERYWHERE
from app.identity.services.audit import SYSTEM
from app.identity.services.networks import add, short_form

PLACE = "/api/v1/libraries/north-1/networks"


def said(house: House, library: str, cidr: str, link: str = "private") -> None:
    """Says that these addresses are a library's."""
    with house.database.transaction() as session:
        add(session, SYSTEM, EVERYWHERE, library, cidr, link)


def behind(house: House, address: str) -> dict[str, str]:
    """The link by each library behind an address."""
    with house.database.transaction(writes=False) as session:
        return {place.library_id: place.link for place in networks.of(session, address)}


@pytest.fixture(autouse=True)
def _network(house: House) -> None:
    house.network()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("10.1.0.0/16", "10.1.0.0/16"),
        (" 10.1.2.3 ", "10.1.2.3/32"),
        ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
        ("2001:0DB8:0000::/32", "2001:db8::/32"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"),
        ("::ffff:10.1.0.0/112", "10.1.0.0/16"),
    ],
)
def test_a_network_has_one_short_form(written: str, kept: str) -> None:
    assert short_form(written) == kept


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("0.0.0.0/0", "too-large"),
        ("::/0", "too-large"),
        ("::ffff:0:0/96", "too-large"),
        ("8.0.0.0/7", "too-large"),
        ("2000::/3", "too-large"),
        ("10.1.2.3/16", "host-bits"),
        ("2001:db8::1/32", "host-bits"),
        ("10.1", "invalid"),
        ("010.1.0.0/16", "invalid"),
        ("fe80::1%eth0", "too-large"),
        ("library.example", "invalid"),
        ("", "invalid"),
    ],
)
def test_what_no_library_owns_is_refused_with_the_reason(written: str, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        short_form(written)
    assert refused.value.faults[0].code == code


def test_several_libraries_stand_behind_one_address(house: House) -> None:
    said(house, "north", "10.0.0.0/8")
    said(house, "north", "10.1.2.0/24", "vpn")
    said(house, "south", "10.1.0.0/16", "internet")
    said(house, "north-1", "2001:db8::/32")
    assert behind(house, "10.1.2.3") == {"north": "vpn", "south": "internet"}
    assert behind(house, "10.9.9.9") == {"north": "private"}
    assert behind(house, "::ffff:10.1.9.9") == {"north": "private", "south": "internet"}
    assert behind(house, "2001:DB8:1::7%eth0") == {"north-1": "private"}
    for nobody in ("192.0.2.1", "2001:db9::", "", "unknown", "10.1.2"):
        assert behind(house, nobody) == {}, nobody


def test_an_address_is_looked_up_in_one_statement(house: House) -> None:
    said(house, "south", "10.1.0.0/16")
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with house.database.transaction(writes=False) as session:
        event.listen(Engine, "before_cursor_execute", note)
        found = networks.of(session, "10.1.0.1")
        event.remove(Engine, "before_cursor_execute", note)
        path = session.connection().exec_driver_sql(
            "SELECT path FROM libraries WHERE id = 'south'"
        ).scalar_one()  # fmt: skip
    assert found == (Place("south", path, "private"),)
    assert len([one for one in seen if one.startswith("SELECT")]) == 1


@given(st.ip_addresses(), st.integers(0, 128))
def test_what_holds_an_address_is_what_it_is_looked_for_by(address: Any, size: int) -> None:
    known = getattr(address, "ipv4_mapped", None) or ip_address(address)
    size = max(LEAST[known.version], min(size, known.max_prefixlen))
    network = short_form(str(ip_network((known, size), strict=False)))
    assert network in networks.holding(str(address))


def test_librarians_say_and_take_back_their_networks(house: House) -> None:
    mine, other = house.token("librarian", "north-1"), house.token("librarian", "south")
    body = {"cidr": "10.1.0.0/16", "link": "vpn", "label": "阅览室"}
    assert house.send("POST", PLACE, body, other).status_code == 403
    made = house.send("POST", PLACE, body, mine)
    assert (made.status_code, made.json["cidr"]) == (201, "10.1.0.0/16")
    assert house.send("POST", PLACE, body, mine).status_code == 409
    assert house.send("POST", PLACE, body | {"cidr": "10.1.0.1/16"}, mine).status_code == 422
    assert house.json(PLACE, headers=mine)["items"] == [made.json]
    assert house.client.get(PLACE, headers=other).status_code == 403
    assert house.client.get(PLACE).status_code == 401
    at = made.headers["Location"]
    assert house.send("DELETE", at.replace("north-1", "north"), None, house.token(
        "librarian", "nation")).status_code == 404  # fmt: skip
    assert house.send("DELETE", at, None, other).status_code == 403
    assert house.send("DELETE", at, None, mine).status_code == 204
    assert behind(house, "10.1.0.1") == {}


def run(tmp_path: Path, *arguments: str) -> Result:
    """A command on the house in this folder."""
    environ = environ_of(tmp_path / "data")
    return CliRunner().invoke(main, ["library", "networks", *arguments, "--json"], env=environ)


def test_a_table_of_networks_is_imported_again_and_again(house: House, tmp_path: Path) -> None:
    table = tmp_path / "networks.csv"
    good = "library,cidr,link,label\nnorth,10.1.0.0/16,private,总馆\nsouth,10.1.0.0/16,vpn,\n"
    table.write_text("\ufeff" + good)
    first = run(tmp_path, "import", str(table))
    assert (first.exit_code, '"added":2' in first.stdout) == (0, True), first.output
    table.write_text(
        good.replace("总馆", "分馆") + "nobody,10.2.0.0/16,vpn,\nnorth,0.0.0.0/0,vpn,\n"
    )
    second = run(tmp_path, "import", str(table))
    assert second.exit_code == 1
    for figure in ('"added":0', '"changed":1', '"unchanged":1', '"refused":2', '"line 5"'):
        assert figure in second.stdout, second.stdout
    assert behind(house, "10.1.0.1") == {"north": "private", "south": "vpn"}


def test_networks_are_looked_after_by_command(house: House, tmp_path: Path) -> None:
    assert run(tmp_path, "add", "north", "10.1.2.3", "--link", "vpn").exit_code == 0
    assert behind(house, "10.1.2.3") == {"north": "vpn"}
    listed = run(tmp_path, "list", "north").stdout
    assert "10.1.2.3/32" in listed
    network = listed.partition('"id":"')[2][:32]
    assert run(tmp_path, "remove", "south", network).exit_code == 1
    assert run(tmp_path, "remove", "north", network).exit_code == 0
    assert behind(house, "10.1.2.3") == {}
    assert run(tmp_path, "list", "nobody").exit_code == 1
