"""Codes, refresh tokens and handles: random, and kept as a hash only."""

import hashlib
import secrets

_BYTES = 32


def new_secret() -> str:
    """256 random bits, for whoever is to come back with them."""
    return secrets.token_urlsafe(_BYTES)


def digest(*parts: str) -> bytes:
    """What is kept in its place. Parts are told apart by their lengths."""
    told = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.sha256(told).digest()
