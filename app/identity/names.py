"""Displayed names as they are looked up."""

from __future__ import annotations

from search.analysis.tokens import key

LONGEST = 64


def name_key(name: str) -> str:
    """The name folded as search folds titles; empty where nothing in it is a word."""
    return key(name)[:LONGEST]
