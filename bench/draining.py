"""Drains the dirty set of the library that the environment names, as the worker does, and ends."""

from __future__ import annotations

from typing import cast

from app import config
from app.adapters import open_adapters
from app.catalog.services import healing, indexing
from search.alias import AliasedIndex


def main() -> None:
    """Until nothing waits."""
    adapters = open_adapters(config.load())
    healing.judge(adapters.database, cast(AliasedIndex, adapters.index))
    while indexing.drain(adapters.database, adapters.index):
        pass
    adapters.index.close()


if __name__ == "__main__":
    main()
