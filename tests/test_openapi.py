"""The OpenAPI document: valid, and true of the running service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from house import House
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

EXAMPLES = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
CONFIG = SchemathesisConfig.from_path("schemathesis.toml")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A library with a few records."""
    made = House(tmp_path_factory.mktemp("api") / "data")
    for title in ("红楼梦", "史记", "本草纲目"):
        made.record(title)
    yield made
    made.close()


@pytest.fixture(scope="module")
def token(house: House) -> str:
    """A token of the administrator."""
    return house.token("administrator")


def test_the_document_is_valid_openapi_3_1(house: House) -> None:
    document = house.client.get("/api/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_answer_is_as_documented(house: House, token: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", house.app, config=CONFIG)
    for operation in schema.get_all_operations():

        @settings(EXAMPLES)
        @given(case=operation.ok().as_strategy())
        def answers_as_documented(case: Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

        answers_as_documented()
