"""The demonstration's material, made once for the tests that look at it."""

from pathlib import Path

import pytest

from app.demonstration import Material, material


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Material]:
    """The folder and what lies in it."""
    folder = tmp_path_factory.mktemp("demonstration")
    return folder, material(folder)
