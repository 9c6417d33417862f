"""The embedded engine: one SQLite file a generation, words in FTS5, everything else in tables.

``schema`` says what is stored, ``writing`` fills it, ``expressions`` turns words into FTS5's
language, ``searching`` answers, ``corrections`` and ``suggestions`` help when words fail, and
``engine`` is the port itself.
"""

from search.backends.sqlite.engine import SqliteIndex
from search.backends.sqlite.generations import open_generations

__all__ = ["SqliteIndex", "open_generations"]
