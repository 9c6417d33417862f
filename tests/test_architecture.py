"""The shape of the house, held by the machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import config
from app.adapters import open_adapters
from app.catalog.composing import PLURALS
from app.database import Base
from app.factory import create_app
from app.permissions import Permission
from app.tables import TABLES
from app.web.api import Endpoint

ROOT = Path(__file__).parent.parent
CODE = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "search").rglob("*.py")])
EDGES = {"app/database.py"}
MOST_SUPPRESSIONS = 20
LONG_FOR_A_REASON = {"app/publications/kinds.py": "one table"}
COMING_IN = {
    "identity.sessions.begin", "identity.sessions.begin_by_password",
    "identity.sessions.begin_by_code", "identity.sessions.step_up",
    "identity.passkeys.ask_to_sign_in", "identity.passkeys.sign_in",
    "identity.claims.ask", "identity.claims.claim",
    "pages.claiming.ask", "pages.claiming.confirm",
    "identity.accounts.ask", "identity.accounts.sign_up", "identity.accounts.recover",
    "pages.entering.by_password", "pages.entering.step_up", "pages.entering.ask",
    "pages.entering.confirm", "pages.account.sign_out", "pages.leaving.leave_by_form",
    "pages.leaving.confirm", "pages.through_library.depart", "signon.devices.ask",
    "signon.oauth.authorize_by_form", "signon.oauth.token", "signon.oauth.introspect",
    "signon.oauth.revoke", "signon.oauth.userinfo_by_post",
}  # fmt: skip
KINDS = re.compile(rf"<any\([a-z, ]+\):plural>|(?<=/api/v1/)({'|'.join(PLURALS.values())})\b")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application as the factory makes it, on an empty library."""
    folder = tmp_path_factory.mktemp("house")
    settings = config.load({"KAIJUAN_DATA_DIR": str(folder)}, folder / "no.env")
    adapters = open_adapters(settings)
    Base.metadata.create_all(adapters.database.engine, tables=TABLES)
    yield create_app(settings, adapters)
    adapters.index.close()
    adapters.database.close()


def endpoints(app: Flask) -> list[Endpoint]:
    """Every endpoint that is registered."""
    return list(app.extensions["kaijuan.endpoints"].values())


def name_of(path: Path) -> str:
    """A file as the tests name it."""
    return path.relative_to(ROOT).as_posix()


def test_every_address_is_an_endpoint_with_a_declared_permission(app: Flask) -> None:
    declared = {(e.method, e.rule): e.permission for e in endpoints(app)}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert isinstance(declared.get((method, rule.rule)), Permission), rule.rule


def test_every_endpoint_says_what_it_does(app: Flask) -> None:
    for endpoint in endpoints(app):
        summary = (endpoint.view.__doc__ or "").strip().splitlines()
        assert summary, endpoint.name
        assert summary[0].endswith("."), endpoint.name


def test_every_endpoint_is_called_package_noun_verb(app: Flask) -> None:
    for endpoint in endpoints(app):
        assert re.fullmatch(r"[a-z]+\.[a-z_]+(\.[a-z_]+)?", endpoint.name), endpoint.name


def test_writes_are_never_public_except_signing_in(app: Flask) -> None:
    public = {
        endpoint.name
        for endpoint in endpoints(app)
        if endpoint.method != "GET" and endpoint.permission is Permission.PUBLIC
    }
    assert public <= COMING_IN | {"identity.applications.apply", "identity.kosync.create"}


def test_the_table_of_addresses_in_the_map_is_true(app: Flask) -> None:
    written = (ROOT / "docs" / "architecture.md").read_text()
    table = dict(re.findall(r"^\| `(/[^`]*)` \| `(app/[^`]+)` \|$", written, re.MULTILINE))
    for endpoint in endpoints(app):
        address = KINDS.sub("{kind}", endpoint.rule)
        prefix = max((p for p in table if address.startswith(p)), key=len, default="")
        assert prefix not in ("", "/") or address == "/", f"{address} stands in no row"
        module = endpoint.view.__module__.replace(".", "/") + ".py"
        assert table[prefix] == module, f"{endpoint.rule}: {module}"


def test_only_the_transaction_commits() -> None:
    found = {
        name_of(path)
        for path in CODE
        if path.is_relative_to(ROOT / "app") and ".commit(" in path.read_text()
    }
    assert found <= EDGES


def test_nothing_is_imported_inside_functions() -> None:
    for path in CODE:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                inside = [
                    n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)
                ]
                assert not inside, f"{name_of(path)}: {function.name}"


def test_every_suppression_carries_its_reason() -> None:
    bare, count = [], 0
    for path in CODE:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.search(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(.*)", line)
            if match or re.search(r"#\s*(noqa|type: ignore)\b", line):
                count += 1
                if not match or len(match[1].strip(" #-()")) < 8:
                    bare.append(f"{name_of(path)}:{number}")
    assert not bare
    assert count <= MOST_SUPPRESSIONS


def test_files_and_functions_say_one_thing() -> None:
    long = []
    for path in CODE:
        text = path.read_text()
        if text.count("\n") > 300 and name_of(path) not in LONG_FOR_A_REASON:
            long.append(name_of(path))
        long += [
            f"{name_of(path)}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 60
        ]
    assert not long


def test_every_package_stands_in_the_map() -> None:
    written = (ROOT / "docs" / "architecture.md").read_text()
    for folder in (ROOT / "app").iterdir():
        if (folder / "__init__.py").exists():
            assert f"`{folder.name}/`" in written, folder.name
