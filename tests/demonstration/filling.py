"""Loading the demonstration into a test's library, step by step."""

from pathlib import Path

import msgspec
from house import House

from app.catalog.services.importing import Report
from app.demonstration import Material
from app.identity.network import import_network


def fill(house: House, made: Material, folder: Path) -> list[Report]:
    """Libraries, and records: each batch for the library that owns it."""
    network = folder / "libraries.json"
    network.write_bytes(msgspec.json.encode(made.libraries))
    with house.database.transaction() as session:
        assert import_network(session, network).refused == 0
    return [house.import_file(batch.path, batch.library) for batch in made.batches]
