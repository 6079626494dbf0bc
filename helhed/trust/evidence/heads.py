"""Signed heads: what the log says of itself at a moment, so that it cannot say anything else later."""

from dataclasses import dataclass
from hashlib import sha256

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_HEAD = b"helhed log head v1\n"
_KEY = b"helhed log key v1\n"


@dataclass(frozen=True, slots=True)
class Head:
    """One head, as it was signed."""

    number: int
    size: int
    at: int  #: microseconds since 1970
    key: int  #: number of the key that signed it
    body: str
    signature: bytes

    def digest(self) -> bytes:
        """What the next head names."""
        return sha256(self.body.encode()).digest()


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log, with the consent of an earlier one."""

    number: int
    public: bytes
    endorser: int  #: number of the earlier key that consented; 0 for the first, whose hash is the log's id
    endorsement: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever holds a key of the log."""

    secret: bytes

    @property
    def public(self) -> bytes:
        """The public half."""
        return self._key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def endorse(self, log: bytes, number: int, public: bytes) -> bytes:
        """Consent to the next key."""
        return self._key().sign(_KEY + log + number.to_bytes(8, "big") + public)

    def head(
        self, log: bytes, key: int, previous: Head | None, *, size: int, root: bytes, map_root: bytes, at: int
    ) -> Head:
        """The head after ``previous``."""
        number = previous.number + 1 if previous else 1
        content = {
            "at": at, "key": key, "log": log.hex(), "map": map_root.hex(), "number": number,
            "previous": (previous.digest() if previous else bytes(32)).hex(), "root": root.hex(), "size": size, "v": 1,
        }  # fmt: skip
        body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return Head(number, size, at, key, body.decode(), self._key().sign(_HEAD + body))

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)


def log_id(first_key: bytes) -> bytes:
    """The id of a log follows from its first key: who knows the id needs to trust nothing else for the rest."""
    return sha256(b"helhed log v1\n" + first_key).digest()
