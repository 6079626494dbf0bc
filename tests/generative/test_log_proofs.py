"""Proofs of random logs hold, and whatever is changed in them does not."""

import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helhed.trust.evidence.hashes import EMPTY, map_node, node_hash
from helhed.trust.evidence.sparse import (
    ROW,
    TOP,
    BucketTree,
    bucket_of,
    node_of,
    nodes_of,
    path_above,
    path_below,
)
from helhed.trust.evidence.tree import Tile, Tree, appended, last_tiles
from helhed.trust.verifier.proofs import is_beginning, root_by_inclusion, root_of_map
from tests.support.forgeries import TRUSTED
from tests.support.small_log import SmallLog
from tests.unit.evidence.verifiers import word_of

sizes = st.one_of(st.integers(1, 40), st.integers(1, 1200))
batches = st.lists(st.integers(1, 300), min_size=1, max_size=6)


def leaf(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def naive(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive(leaves[:split]), naive(leaves[split:]))


def grown(parts: Sequence[int]) -> tuple[int, dict[Tile, bytes]]:
    """A tree that was appended to in parts, of which only the open tiles were known each time."""
    size = 0
    tiles: dict[Tile, bytes] = {}
    for part in parts:
        known = {tile: tiles[tile] for tile in last_tiles(size)}
        tiles |= appended(size, known, [leaf(size + number) for number in range(part)])
        size += part
    return size, tiles


@given(batches)
@settings(max_examples=40)
def test_a_tree_has_the_root_of_the_definition_in_whichever_parts_it_grew(parts: list[int]) -> None:
    size, tiles = grown(parts)
    assert Tree(size, tiles.__getitem__).root() == naive([leaf(number) for number in range(size)])


@given(sizes, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_leaf_is_proved_and_nothing_else(size: int, dice: random.Random) -> None:
    tree = Tree(size, appended(0, {}, [leaf(number) for number in range(size)]).__getitem__)
    position = dice.randrange(size)
    path, root = tree.inclusion(position), tree.root()
    assert root_by_inclusion(leaf(position), position, size, path) == root
    assert root_by_inclusion(leaf(size), position, size, path) != root
    assert root_by_inclusion(leaf(position), (position + 1) % size, size, path) != root or size == 1
    assert root_by_inclusion(leaf(position), position, size, [*path, EMPTY]) != root
    if path:
        wrong = dice.randrange(len(path))
        forged = [leaf(-1 + 2**40) if place == wrong else one for place, one in enumerate(path)]
        assert root_by_inclusion(leaf(position), position, size, forged) != root
        assert root_by_inclusion(leaf(position), position, size, path[:-1]) != root


@given(sizes, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_beginning_is_proved_and_no_other(size: int, dice: random.Random) -> None:
    tiles = appended(0, {}, [leaf(number) for number in range(size)])
    tree, first = Tree(size, tiles.__getitem__), dice.randint(1, size)
    root, earlier = tree.root(), Tree(first, tiles.__getitem__).root()
    proof = tree.consistency(first)
    assert is_beginning(first, earlier, size, root, proof)
    changed = [leaf(number + (number == dice.randrange(first)) * 2**40) for number in range(first)]
    other = naive([*changed[:-1], leaf(2**41)])
    assert not is_beginning(first, other, size, root, proof)
    assert not is_beginning(first, earlier, size, other, proof)
    assert not is_beginning(first, earlier, size, root, [*proof, EMPTY])
    if proof:
        assert not is_beginning(first, earlier, size, root, proof[:-1])


def naive_map(members: dict[bytes, bytes], depth: int = 0) -> bytes:
    """The map as the format defines it."""
    if len(members) < 2:
        return next(iter(members.values()), EMPTY)
    halves: list[dict[bytes, bytes]] = [{}, {}]
    for key, value in members.items():
        halves[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    return map_node(naive_map(halves[0], depth + 1), naive_map(halves[1], depth + 1))


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "\x00\x00", "\x00\x01\x80"]), st.integers(0, 2**32)),
        min_size=1,
        max_size=60,
        unique=True,
    )
)
@settings(max_examples=40)
def test_a_map_has_the_root_of_the_definition_and_proves_its_members(seeds: list[tuple[str, int]]) -> None:
    """Keys that begin alike meet far down."""
    members = {}
    for beginning, number in seeds:
        digest = hashlib.sha256(f"{number}".encode()).digest()
        members[beginning.encode("latin-1") + digest[len(beginning) :]] = leaf(number)
    buckets: dict[int, list[tuple[bytes, bytes]]] = {}
    for member in members.items():
        buckets.setdefault(bucket_of(member[0]), []).append(member)
    tree = BucketTree({})
    for bucket, those in buckets.items():
        tree.put({bucket: node_of(those)})
    again = BucketTree.of_rows({number: tree.row(number) for number in [TOP, *{bucket // ROW for bucket in buckets}]})
    assert tree.root == again.root == naive_map(members)
    for key, value in members.items():
        row, place = divmod(bucket_of(key), ROW)
        beside = buckets[bucket_of(key)]
        above, alone = path_above(nodes_of(tree.row(row)), place, alone=len(beside) == 1)
        path = [*path_below(beside, key), *above, *path_above(nodes_of(tree.row(TOP)), row, alone=alone)[0]]
        assert root_of_map(key, value, path) == tree.root
        assert root_of_map(key, leaf(-1 + 2**40), path) != tree.root
        assert root_of_map(bytes([key[0] ^ 0x80]) + key[1:], value, path) != tree.root or not path


def a_log(dice: random.Random) -> tuple[SmallLog, int]:
    """Citizens and events in any mixture, with a head now and then."""
    log, citizens = SmallLog(), [dice.randrange(-(2**63), 2**63) for _ in range(4)]
    for _ in range(dice.randint(1, 25)):
        log.add(*dice.sample(citizens, dice.randint(0, 2)))
        if dice.random() < 0.2:
            log.sign()
    log.add(citizens[0])
    log.sign()
    return log, citizens[0]


def tampered(text: str, dice: random.Random) -> str:
    """One hexadecimal digit, or one digit, is another."""
    places = [at for at, letter in enumerate(text) if letter in "0123456789abcdef" and not text[at - 1].isalpha()]
    at = dice.choice(places)
    other = dice.choice([letter for letter in "0123456789" if letter != text[at]])
    return text[:at] + other + text[at + 1 :]


def check_tampering(dice: random.Random) -> None:
    log, citizen = a_log(dice)
    export: dict[str, Any] = log.export(citizen, witnesses=["region.demo"])  # another would do instead of it
    trusted = {"witnesses": TRUSTED, "log": log.log.hex(), "citizens": [str(citizen)]}
    assert word_of(export, trusted) == "whole"
    made = export.pop("made")  # the one thing that nothing signs, and that has some latitude
    for _ in range(12):
        text = tampered(json.dumps(export), dice)
        try:
            changed = {**json.loads(text), "made": made}
        except ValueError:
            continue
        assert changed == {**export, "made": made} or word_of(changed, trusted) != "whole", text


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_one_digit_changed_anywhere_is_noticed(dice: random.Random) -> None:
    check_tampering(dice)


@pytest.mark.long
@given(st.randoms(use_true_random=False))
@settings(max_examples=2000)
def test_one_digit_changed_anywhere_is_noticed_in_very_many_logs(dice: random.Random) -> None:
    check_tampering(dice)
