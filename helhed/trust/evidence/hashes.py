"""What is hashed how, on the side of the log: every use begins with a byte of its own."""

import struct
from hashlib import sha256

EMPTY = bytes(32)
_TWO = struct.Struct(">QQ")


def node_hash(left: bytes, right: bytes) -> bytes:
    """A node of the tree (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def map_leaf(key: bytes, counter: int, head: bytes) -> bytes:
    """What the map holds of one citizen."""
    return sha256(b"\x02" + key + counter.to_bytes(8, "big") + head).digest()


def map_node(left: bytes, right: bytes) -> bytes:
    """A node of the map."""
    return sha256(b"\x03" + left + right).digest()


def chain_hash(previous: bytes, counter: int, position: int, leaf: bytes) -> bytes:
    """The head of a citizen's chain after one event more."""
    return sha256(b"\x04" + previous + _TWO.pack(counter, position) + leaf).digest()


def map_key(log: bytes, citizen: int) -> bytes:
    """Where the map has a citizen."""
    return sha256(b"\x06" + log + citizen.to_bytes(8, "big", signed=True)).digest()


def subtree(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, which stand one after another."""
    while len(hashes) > 32:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 64)])
    return hashes
