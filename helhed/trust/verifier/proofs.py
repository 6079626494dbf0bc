"""Proofs of inclusion and consistency (RFC 9162, sections 2.1.3.2 and 2.1.4.2), and ways through the map."""

from collections.abc import Sequence

from helhed.trust.verifier.primitives import digest


def root_by_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to; None when a path to this position has another length."""
    if not 0 <= position < size:
        return None
    fn, sn, root = position, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = digest(1, sibling, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = digest(1, root, sibling)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_beginning(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``first`` leaves is the beginning of that of ``second``."""
    if first > second or first < 1:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            older, newer = digest(1, sibling, older), digest(1, sibling, newer)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            newer = digest(1, newer, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and older == first_root and newer == second_root


def root_of_map(key: bytes, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root of the map that a path leads to; None for a path that cannot be one."""
    if len(path) > 256:
        return None
    root = leaf
    for depth, sibling in zip(range(len(path) - 1, -1, -1), path, strict=True):
        right = key[depth >> 3] & (0x80 >> (depth & 7))
        root = digest(3, sibling, root) if right else digest(3, root, sibling)
    return root
