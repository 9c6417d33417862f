"""The library of every test, under the name that the tests of the pages know."""

from house import House

__all__ = ["House"]
