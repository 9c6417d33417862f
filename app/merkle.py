"""Merkle trees, as Certificate Transparency has them (RFC 6962, section 2.1): over any number of
leaves, with proofs that one of them is in the tree. Hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps a leaf from being taken for a node."""
    return sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over leaves in their order, given by their hashes.

    A node without a partner is taken up unchanged: that is the same tree as the RFC's, which is
    split at the largest power of two.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves) or [EMPTY]]
        while len(below := self._levels[-1]) > 1:
            paired = [_node(a, b) for a, b in zip(below[::2], below[1::2], strict=False)]
            self._levels.append(paired + below[len(paired) * 2 :])

    @property
    def root(self) -> bytes:
        """The hash over everything."""
        return self._levels[-1][0]

    def proof(self, place: int) -> list[bytes]:
        """The audit path of the leaf at ``place`` (from 0): its partners on the way up."""
        path = []
        for level in self._levels[:-1]:
            if place ^ 1 < len(level):
                path.append(level[place ^ 1])
            place //= 2
        return path


def proves(leaf: bytes, place: int, count: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` shows that a leaf is at ``place`` of ``count`` under ``root``."""
    left, found = list(reversed(path)), leaf
    while count > 1:
        if place ^ 1 < count:
            if not left:
                return False
            found = _node(left.pop(), found) if place % 2 else _node(found, left.pop())
        place, count = place // 2, (count + 1) // 2
    return not left and place == 0 and found == root
