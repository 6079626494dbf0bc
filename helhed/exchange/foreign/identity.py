"""Ids for foreign resources: the same source id always becomes the same id here, and nobody outside can guess it.

The source's own id is kept as an identifier in a namespace of the source; ours is a keyed hash of it in the bucket of
the citizen it belongs to, so a document can be imported again after a kill without a table of what became what.
"""

import hmac
from hashlib import blake2b, sha256
from uuid import UUID

from helhed.foundation.ids import BUCKETS


class ForeignIds:
    """Ids of one source."""

    def __init__(self, secret: bytes, source: str) -> None:
        self._key = hmac.new(secret, b"foreign ids of " + source.encode(), sha256).digest()

    def id_of(self, type_name: str, source_id: str, bucket: int | None) -> UUID:
        """The id of ``type_name/source_id`` in ``bucket`` (None: one that follows from the source id itself)."""
        digest = blake2b(f"{type_name}/{source_id}".encode(), digest_size=16, key=self._key).digest()
        noise = int.from_bytes(digest, "big")
        where = noise >> 118 if bucket is None else bucket
        return UUID(int=(noise & _FREE) | (8 << 76) | ((where % BUCKETS) << 66) | (0b10 << 62))


#: everything but version (4 bits), bucket (10), and variant (2): a UUID version 8, RFC 9562 section 5.8
_FREE = ((1 << 128) - 1) ^ (0xF << 76) ^ ((BUCKETS - 1) << 66) ^ (0b11 << 62)
