"""The tree against vectors of others and its own definition, for every size and every leaf up to 70."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import tree
from sync.checkpoint import extend_all
from sync.suite import digest

# Leaves and roots of the reference implementation of RFC 6962 (google/certificate-transparency, merkle_tree_test.cc).
LEAVES = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes(range(0x60, 0x70)))
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
MOST = 70


def nodes_of(leaves: list[bytes]) -> tree.Nodes:
    """From leaf hashes, by definition."""

    def nodes(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return digest(b"\x01" + nodes(level - 1, 2 * index) + nodes(level - 1, 2 * index + 1))

    return nodes


HASHED = [tree.leaf_hash(leaf) for leaf in LEAVES]
MANY = [tree.leaf_hash(str(number).encode()) for number in range(MOST)]
NODES = nodes_of(MANY)
ROOT = [tree.root_of(NODES, 0, size) for size in range(MOST + 1)]


def test_roots_are_those_of_the_reference_implementation() -> None:
    nodes, head = nodes_of(HASHED), tree.EMPTY
    for size, expected in enumerate(ROOTS):
        assert tree.root_of(nodes, 0, size).hex() == tree.root(head).hex() == expected
        if size < len(HASHED):
            head, _ = tree.append(head, HASHED[size])


def test_the_proofs_of_the_rfcs_seven_leaves() -> None:
    """RFC 9162 section 2.1.5: for d0 [b, h, l], d3 [c, g, l], d4 [f, j, k], d6 [i, k]; for sizes 3, 4 and 6 of 7."""
    leaves = [tree.leaf_hash(bytes((number,))) for number in range(7)]
    a, b, c, d, e, f, j = leaves
    g, h, i = tree.join(a, b), tree.join(c, d), tree.join(e, f)
    k, l = tree.join(g, h), tree.join(i, j)  # noqa: E741 - the RFC's letters
    nodes = nodes_of(leaves)
    assert tree.inclusion(nodes, 0, 7) == [b, h, l]
    assert tree.inclusion(nodes, 3, 7) == [c, g, l]
    assert tree.inclusion(nodes, 4, 7) == [f, j, k]
    assert tree.inclusion(nodes, 6, 7) == [i, k]
    assert tree.consistency(nodes, 3, 7) == [c, d, g, l]
    assert tree.consistency(nodes, 4, 7) == [l]
    assert tree.consistency(nodes, 6, 7) == [i, j, k]


def test_growing_gives_the_roots_and_every_whole_subtree() -> None:
    head, seen = tree.EMPTY, set()
    for number, leaf in enumerate(MANY):
        head, whole = tree.append(head, leaf)
        assert tree.root(head) == ROOT[number + 1]
        for node in whole:
            assert node.hash == NODES(node.level, node.index)
            seen.add((node.level, node.index))
    assert seen == {(level, index) for level in range(1, 7) for index in range(MOST >> level)}


def test_the_tree_is_the_one_that_hq_keeps_of_envelopes() -> None:
    head = tree.EMPTY
    for leaf in LEAVES:
        head, _ = tree.append(head, tree.leaf_hash(leaf))
    assert head == extend_all(tree.EMPTY, LEAVES)


def test_every_leaf_of_every_size_is_proved_at_its_own_place_only() -> None:
    for size in range(1, MOST + 1):
        for leaf in range(0, size, 3):
            path = tree.inclusion(NODES, leaf, size)
            assert tree.included(MANY[leaf], leaf, size, path, ROOT[size])
            assert not tree.included(MANY[leaf - 1], leaf, size, path, ROOT[size])
            if size > 1:
                assert not tree.included(MANY[leaf], (leaf + 1) % size, size, path, ROOT[size])
            assert not tree.included(MANY[leaf], leaf, size, [*path, bytes(32)], ROOT[size])
            assert not path or not tree.included(MANY[leaf], leaf, size, path[:-1], ROOT[size])


def test_every_smaller_size_is_proved_to_be_a_beginning() -> None:
    for second in range(1, MOST + 1, 2):
        for first in range(1, second + 1):
            path = tree.consistency(NODES, first, second)
            assert tree.consistent(first, second, ROOT[first], ROOT[second], path)
            assert not tree.consistent(first, second, ROOT[first - 1], ROOT[second], path)
            assert not tree.consistent(first, second, ROOT[first], ROOT[second - 1], path)
            assert not tree.consistent(first, second, ROOT[first], ROOT[second], [*path, bytes(32)])


@given(st.integers(-2, 40), st.integers(-2, 40), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_made_up_proofs_prove_nothing_and_break_nothing(first: int, second: int, path: list[bytes]) -> None:
    assert not tree.included(MANY[1], first, second, path, bytes(32))
    assert first == second or not tree.consistent(first, second, MANY[0], bytes(32), path)


@given(st.integers(2, MOST), st.data())
def test_a_proof_with_one_bit_turned_proves_nothing(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(NODES, leaf, size)
    at, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    path[at] = (int.from_bytes(path[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    assert not tree.included(MANY[leaf], leaf, size, path, ROOT[size])


@given(st.integers(1, 2**20))
def test_a_proof_of_a_million_entries_has_at_most_twenty_hashes(size: int) -> None:
    assert len(tree.inclusion(lambda level, index: bytes(32), size - 1, size)) <= 20
    assert len(tree.consistency(lambda level, index: bytes(32), (size + 1) // 2, size)) <= 21
