"""Generations of each engine, for what must hold on every one."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from search.alias import AliasedIndex
from search.backends import elasticsearch, sqlite


@pytest.fixture(params=["sqlite", pytest.param("elasticsearch", marks=pytest.mark.engines)])
def generations(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AliasedIndex]:
    """An empty index, behind its pointer."""
    alias = _on_elasticsearch() if request.param == "elasticsearch" else _in(tmp_path)
    yield alias
    if request.param == "elasticsearch":
        for name in filter(None, (*msgspec.structs.astuple(alias.generations), "state")):
            alias.remove(name)
    alias.close()


def _in(folder: Path) -> AliasedIndex:
    return sqlite.open_generations(folder / "index")


def _on_elasticsearch() -> AliasedIndex:
    address = os.environ.get("KAIJUAN_SEARCH_URL", "")
    if not address.startswith("http"):
        pytest.skip("KAIJUAN_SEARCH_URL names no Elasticsearch")
    return elasticsearch.open_generations(f"{address.rstrip('/')}/test-{uuid4().hex}")
