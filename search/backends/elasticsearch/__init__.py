"""Elasticsearch as the engine: one index a generation, words cut in Python, no plugin needed.

``client`` speaks to the engine, ``schema`` says what is stored, ``writing`` and ``bulk`` fill it,
``expressions`` turns words into its language, ``searching`` answers with ``listing`` and
``counting``, ``corrections`` and ``suggestions`` help when words fail, ``pointer`` keeps which
generation is live, and ``engine`` is the port itself.
"""

from search.backends.elasticsearch.generations import open_generations

__all__ = ["open_generations"]
