"""What the indexes and aliases of one installation are called."""

import msgspec


class Names(msgspec.Struct, frozen=True):
    """All begin with the installation's own prefix, so that several may share an engine."""

    prefix: str

    @property
    def state(self) -> str:
        """The index that remembers how far a rebuild has come."""
        return f"{self.prefix}-state"

    @property
    def every_index(self) -> str:
        """A pattern for all generations."""
        return f"{self.prefix}-g*"

    def index(self, generation: str) -> str:
        """The index of a generation."""
        return f"{self.prefix}-{generation}"

    def writer(self, generation: str) -> str:
        """The alias that a generation is written by; it goes when the generation goes."""
        return f"{self.prefix}-write-{generation}"

    def role(self, name: str) -> str:
        """The alias of the generation that is live, being built, or was live before."""
        return f"{self.prefix}-{name}"

    def generation(self, index: str) -> str:
        """The generation of an index."""
        return index.removeprefix(f"{self.prefix}-")
