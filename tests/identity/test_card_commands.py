"""Readers and cards by command: imported, listed, undone, attached, detached, claimed by slips."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from house import House, environ_of

from app.cli import main

from .people import AGREED, PASSWORD, Browser, person
from .rosters import LIBRARY, card, known, readers, table


@pytest.fixture
def net(town: House) -> House:
    """A network of libraries."""
    town.network()
    return town


def run(house: House, *arguments: str) -> Result:
    """The command line on this library."""
    return CliRunner().invoke(main, arguments, env=environ_of(house.settings.data_dir))


def said(house: House, *arguments: str) -> Any:
    """The JSON of a command that went well."""
    result = run(house, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


def bring(house: House, path: Path, *options: str) -> Result:
    return run(house, "import", "readers", str(path), "--library", LIBRARY, *options)


def test_an_import_says_what_it_did_and_fails_when_rows_were_refused(
    net: House, tmp_path: Path
) -> None:
    good = bring(net, table(tmp_path / "a", *readers(range(3))), "--json")
    report = msgspec.json.decode(good.stdout)
    assert (good.exit_code, report["added"], report["problems"]) == (0, 3, [])
    bad = bring(net, table(tmp_path / "b", *readers(range(3)), "坏的"))
    assert (bad.exit_code, "line 5: card-invalid" in bad.output) == (1, True)


def test_an_import_that_holds_back_says_so_and_fails(net: House, tmp_path: Path) -> None:
    bring(net, table(tmp_path / "a", *readers(range(20))))
    torn = table(tmp_path / "b", *readers(range(3)))
    held = bring(net, torn, "--whole")
    assert (held.exit_code, "17 open cards are not in the file; 0 suspended" in held.output) == (
        1, True
    )  # fmt: skip
    assert bring(net, torn, "--whole", "--at-most", "90").exit_code == 0


def test_imports_of_readers_are_listed_and_undone_as_others_are(net: House, tmp_path: Path) -> None:
    bring(net, table(tmp_path / "a", *readers(range(3)), "坏的"))
    [batch] = said(net, "import", "list", "--readers")
    assert (batch["library"], batch["state"], batch["added"]) == (LIBRARY, "done", 3)
    [problem] = said(net, "import", "list", "--problems", batch["id"])
    assert problem["code"] == "card-invalid"
    assert said(net, "import", "undo", batch["id"]) == {"removed": 3, "restored": 0, "kept": 0}
    assert card(net, "A000000") is None


def test_nothing_of_a_person_is_printed(net: House, tmp_path: Path) -> None:
    row = "A1234567,王小明,13812345678,x@example.org,没见过的词,"
    result = bring(net, table(tmp_path / "a", row, f'"{row}', f"{row},,,"))
    assert "3 read" in result.output
    for secret in ("A1234567", "王小明", "13812345678", "example.org", "没见过的词"):
        assert secret not in result.output


def test_a_card_is_attached_and_detached(net: House) -> None:
    account = person(net, "13800001234")
    said(net, "card", "attach", "N1", account, "--library", LIBRARY)
    assert known(net, "N1").id == account
    said(net, "card", "detach", "N1", "--library", LIBRARY)
    assert card(net, "N1") is None
    assert run(net, "card", "detach", "N1", "--library", LIBRARY).exit_code == 1


def test_a_slip_that_was_printed_claims_its_card(net: House, tmp_path: Path) -> None:
    bring(net, table(tmp_path / "a", "A1,王小明,,,,"))
    code = said(net, "card", "slip", "A1", "--library", LIBRARY)["code"]
    shown = {"library": LIBRARY, "card": "A1", "code": code, "password": PASSWORD}
    assert Browser(net).post("/cards/claims", **shown, agreed=AGREED).status_code == 201
    assert run(net, "card", "slip", "A1", "--library", LIBRARY).exit_code == 1
