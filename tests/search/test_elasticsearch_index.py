"""Elasticsearch as the engine: the same contract, on the engine itself."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from contracts.search import SearchIndexContract

from search.alias import AliasedIndex
from search.backends.elasticsearch import open_generations
from search.index import SearchIndex

pytestmark = pytest.mark.engines


@pytest.fixture
def url() -> Iterator[str]:
    """The engine's address with a prefix of this test's own."""
    address = os.environ.get("KAIJUAN_SEARCH_URL", "")
    if not address.startswith("http"):
        pytest.skip("KAIJUAN_SEARCH_URL names no Elasticsearch")
    yield f"{address.rstrip('/')}/test-{uuid4().hex}"


@pytest.fixture
def alias(url: str) -> Iterator[AliasedIndex]:
    """An empty index that is removed after the test."""
    alias = open_generations(url)
    yield alias
    for name in filter(
        None, (alias.generations.live, alias.generations.building, alias.generations.previous)
    ):
        alias.remove(name)
    alias.close()


class TestElasticsearchIndex(SearchIndexContract):
    """The live generation behind its aliases."""

    @pytest.fixture
    def index(self, alias: AliasedIndex) -> SearchIndex:
        return alias
