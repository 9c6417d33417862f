"""The generations of an index kept by Elasticsearch."""

from search.alias import AliasedIndex
from search.backends.elasticsearch.address import read_address
from search.backends.elasticsearch.client import Client
from search.backends.elasticsearch.engine import ElasticsearchIndex
from search.backends.elasticsearch.names import Names
from search.backends.elasticsearch.pointer import AliasPointer


def open_generations(url: str, *, strict: bool = False) -> AliasedIndex:
    """The live index at ``url`` (see ``address``, AliasedIndex); the engine is not asked yet.

    Raises ValueError when that is no address.
    """
    address = read_address(url)
    names = Names(address.prefix)
    client = Client(address)
    pointer = AliasPointer(client, names)

    def open_one(name: str) -> ElasticsearchIndex:
        def is_building() -> bool:
            return pointer.read(fresh=False).building == name

        if pointer.read(fresh=True).unfilled == name:
            pointer.begin()
        return ElasticsearchIndex(client, names, name, is_building)

    return AliasedIndex(pointer, open_one, pointer.remove, strict=strict)
