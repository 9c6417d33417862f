"""Drains the dirty set of the library that the environment names, as the worker does, and ends."""

from __future__ import annotations

from app import config
from app.adapters import open_adapters
from app.catalog.services import indexing


def main() -> None:
    """Until nothing waits."""
    adapters = open_adapters(config.load())
    while indexing.drain(adapters.database, adapters.index):
        pass
    adapters.index.close()


if __name__ == "__main__":
    main()
