"""What users start with Docker says what the application understands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import config

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]


def test_every_setting_is_one_that_is_read() -> None:
    given = {name for one in SERVICES.values() for name in one.get("environment", {})}
    assert not config.unknown_names(dict.fromkeys(given, ""))


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_a_version_of_their_own(name: str) -> None:
    image = SERVICES[name]["image"]
    assert ":" in image
    assert not image.endswith(":latest")


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_listens_to_the_world_unasked(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert "127.0.0.1" in port


def test_every_password_must_be_given_and_is_written_by_make_secrets() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("secrets:")[2]
    assert asked == {name for name in asked if name in recipe.partition("engines-env:")[0]}
    assert {name for name in re.findall(r"\$\{(\w+)", COMPOSE) if "PASSWORD" in name} <= asked


def test_the_runtime_lock_holds_no_other_versions_than_the_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE))

    runtime = pins("requirements.runtime.lock")
    assert runtime
    assert runtime < pins("requirements.lock")


def test_the_image_is_made_from_files_that_are_there() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for name in re.findall(r"app/(requirements\S+)", dockerfile):
        assert (ROOT / name).is_file()
