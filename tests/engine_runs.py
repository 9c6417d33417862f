"""``--on-engines``: the application's own tests on real engines, chosen and counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import engines
import pytest

APPLICATION = (
    "catalog", "identity", "signon", "reader", "usage", "jobs", "web", "pages", "operating",
    "demonstration", "database", "test_openapi.py", "test_serving.py",
)  # fmt: skip
"""What tests the application by its faces; the rest is run on engines where it is marked so."""
UNSEARCHED, FINDING = ("identity", "signon"), ("test_moving.py",)
"""What finds nothing, and so needs no index on Elasticsearch; but for these files of it."""
GIVEN = ("KAIJUAN_TEST_DATA", "KAIJUAN_TEST_ENGINES")
HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.addoption(
        "--on-engines",
        action="store_true",
        help="build every test's library on the engines that the environment names",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Takes the engines, or says how to get them."""
    if not config.getoption("--on-engines"):
        return
    if faults := engines.missing():
        raise pytest.UsageError("\n".join([*faults, "", engines.HOW]))
    config.pluginmanager.register(Meeting(), "kaijuan-meeting")
    if not _is_controller(config):
        engines.here = engines.Engines(_worker(config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves nothing on the engines."""
    if engines.here:
        engines.here.close()
        engines.here = None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On engines: what is marked for them, and the application but for what is embedded only."""
    if not config.getoption("--on-engines"):
        return
    kept = [item for item in items if _is_for_engines(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _is_for_engines(item: pytest.Item) -> bool:
    if item.get_closest_marker("engines"):
        return True
    if item.get_closest_marker("embedded"):
        return False
    return _part(item) in APPLICATION


def _part(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]


def _is_controller(config: pytest.Config) -> bool:
    """Whether this process only hands tests to others."""
    return not hasattr(config, "workerinput") and bool(config.getoption("numprocesses", None))


def _worker(config: pytest.Config) -> str:
    return str(getattr(config, "workerinput", {"workerid": "alone"})["workerid"])


class Meeting:
    """Writes into each test's report which engines it met."""

    def __init__(self) -> None:
        self._met = engines.Met()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Begins to look before the test's fixtures are made."""
        self._met.names.clear()
        if engines.here:
            finds = _part(item) not in UNSEARCHED or item.path.name in FINDING
            engines.here.are_searched = finds
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Keeps what was met until the end of the test itself."""
        try:
            return (yield)
        finally:
            item.user_properties += [("engine", name) for name in sorted(self._met.names)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests ran on each engine, and how many were skipped."""
    if terminalreporter.config.getoption("--on-engines"):
        reports = terminalreporter.stats.get("passed", ())
        met = Counter(v for r in reports for name, v in r.user_properties if name == "engine")
        counts = ", ".join(f"{name}: {met[name]}" for name in engines.NAMES)
        terminalreporter.write_line(f"tests on each engine: {counts}")
    if skipped := len(terminalreporter.stats.get("skipped", ())):
        given = next((f" although {name} is set" for name in GIVEN if os.environ.get(name)), "")
        terminalreporter.write_line(f"{skipped} tests were skipped{given}: see them with -rs")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip is a failure where what the test needs is given."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    given = any(os.environ.get(name) for name in GIVEN)
    if reporter and given and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
