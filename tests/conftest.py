"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The shared real material, found by ``KAIJUAN_TEST_DATA`` alone."""
    folder = os.environ.get("KAIJUAN_TEST_DATA")
    if not folder:
        pytest.skip("KAIJUAN_TEST_DATA is not set: real material is not here")
    return Path(folder)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty library."""
    made = House(tmp_path / "data")
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were skipped; where their material is given, a skip is a failure."""
    skipped = len(terminalreporter.stats.get("skipped", ()))
    if skipped:
        given = " although KAIJUAN_TEST_DATA is set" if os.environ.get("KAIJUAN_TEST_DATA") else ""
        terminalreporter.write_line(f"{skipped} tests were skipped{given}: see them with -rs")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip is a failure where the material is given."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.environ.get("KAIJUAN_TEST_DATA") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
