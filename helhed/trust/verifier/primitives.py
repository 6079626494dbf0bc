"""Hashes, signatures and canonical JSON, as a verifier reads them."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from helhed.trust.verifier.faults import Faulty

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_MOST = 2**53
ZEROS = b"\x00" * 32


def digest(kind: int, *parts: bytes) -> bytes:
    """SHA-256 of a kind of thing."""
    state = hashlib.sha256(bytes([kind]))
    for part in parts:
        state.update(part)
    return state.digest()


def digest_of_text(text: str) -> str:
    """SHA-256 of text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def unsigned(number: int) -> bytes:
    """u64."""
    return number.to_bytes(8, "big")


def from_hex(text: Any, size: int | None = None) -> bytes:
    """Bytes written in hexadecimal. Raises Faulty."""
    if not isinstance(text, str) or not _HEX.fullmatch(text) or (size is not None and len(text) != 2 * size):
        raise Faulty("format", "Something that should be hexadecimal is not.")
    return bytes.fromhex(text)


def signed_by(public: bytes, line: str, content: bytes, signature: bytes) -> bool:
    """Whether a key signed this."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{line}\n".encode() + content)
    except (InvalidSignature, ValueError):
        return False
    return True


def canonical(text: Any, word: str = "format") -> Any:
    """What canonical JSON says. Raises Faulty when it is anything else."""
    if not isinstance(text, str):
        raise Faulty("format", "Something that should be text is not.")
    try:
        content = json.loads(text)
        again = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise Faulty(word, "Something that should be JSON is not.") from None
    if again != text or not _plain(content):
        raise Faulty(word, "JSON is not written in the one way in which it is signed and hashed.")
    return content


def _plain(content: Any) -> bool:
    if isinstance(content, dict):
        return all(_plain(value) for value in content.values())
    if isinstance(content, list):
        return all(_plain(value) for value in content)
    return isinstance(content, str | bool) or (type(content) is int and abs(content) < _MOST)


def whole(content: Mapping[str, Any], name: str, least: int = 0) -> int:
    """A whole number that something must have. Raises Faulty."""
    value = content.get(name)
    if type(value) is not int or not least <= value < _MOST:
        raise Faulty("format", f"{name} should be a whole number.")
    return value


def items(content: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    """A list that something must have. Raises Faulty."""
    value = content.get(name)
    if not isinstance(value, list) or not all(type(one) is kind for one in value):
        raise Faulty("format", f"{name} should be a list of its own kind.")
    return value


def named(content: Any, needed: set[str], possible: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    """An object with these names and no others. Raises Faulty."""
    if not isinstance(content, dict) or not needed <= content.keys() <= needed | possible:
        raise Faulty("format", "Something has other parts than it should have.")
    return content
