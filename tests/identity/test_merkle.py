"""Merkle trees are those of RFC 6962, and their proofs prove one place alone."""

import pytest

from app.merkle import Tree, leaf_hash, proves

pytestmark = pytest.mark.embedded  # nothing in it meets an engine

# Of the reference implementation of Certificate Transparency: leaves, and the roots over the
# first one, two, three … of them.
LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(1, 9))
def test_the_root_is_that_of_the_rfc(count: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:count]]
    assert Tree(leaves).root.hex() == ROOTS[count - 1]


def test_nothing_has_the_root_of_nothing() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Tree([]).root.hex() == empty


@pytest.mark.parametrize("count", range(1, 34))
def test_a_proof_proves_one_leaf_in_one_place(count: int) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(count)]
    tree = Tree(leaves)
    for place, leaf in enumerate(leaves):
        path = tree.proof(place)
        held = [at for at in range(count) if proves(leaf, at, count, path, tree.root)]
        assert held == [place]
        assert not proves(leaf, place, count, [*path, leaf], tree.root)
        assert not proves(leaf_hash(b"another"), place, count, path, tree.root)
        if path:
            assert not proves(leaf, place, count, path[1:], tree.root)
