"""The demonstration's material, made once for the tests that look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House

from app.demonstration import Material, material

from .filling import fill


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Material]:
    """The folder and what lies in it."""
    folder = tmp_path_factory.mktemp("demonstration")
    return folder, material(folder)


@pytest.fixture(scope="module")
def library(
    made: tuple[Path, Material], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A library with the demonstration's records, ready to be searched."""
    folder = tmp_path_factory.mktemp("library")
    house = House(folder / "data")
    fill(house, made[1], folder)
    house.index()
    yield house
    house.close()
