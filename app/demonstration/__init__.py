"""The demonstration library, written by the project: a network, records, and its handbook."""

from app.demonstration.load import Batch, Book, Material, material

__all__ = ["Batch", "Book", "Material", "material"]
