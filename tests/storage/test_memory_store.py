import pytest
from contracts.storage import (
    ConcurrencyContract,
    EndedUploadsContract,
    MultipartUploadsContract,
    ObjectStoreContract,
)

from app.storage.factory import open_store
from app.storage.ports import Storage


@pytest.fixture
def storage() -> Storage:
    return open_store("memory://")


class TestMemoryStore(ObjectStoreContract, ConcurrencyContract):
    pass


class TestMemoryUploads(MultipartUploadsContract, EndedUploadsContract):
    pass
