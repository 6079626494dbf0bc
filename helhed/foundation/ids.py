"""Server-issued identifiers: random, time-ordered, and carrying one of 1,024 immutable buckets.

An id is a UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 10 bits of bucket and two random bits
where the RFC leaves ``rand_a`` free, then 62 random bits. The *key* of an id is its low 64 bits as a signed integer;
citizens, organisations and professionals are known inside the store by the key of their Patient, Organization and
Practitioner resource, so a reference tells whose row it is without a lookup.
"""

import os
import time
from functools import lru_cache
from uuid import UUID

BUCKETS = 1024
_LOW_64 = (1 << 64) - 1
_SIGN = 1 << 63


def new_id(bucket: int | None = None, *, milliseconds: int | None = None) -> UUID:
    """A new id in ``bucket`` (0–1023), or in a random bucket."""
    at = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    noise = int.from_bytes(os.urandom(10), "big")
    where = (noise >> 64) & (BUCKETS - 1) if bucket is None else bucket
    rand_a = (where << 2) | ((noise >> 74) & 0b11)
    return UUID(
        int=((at & ((1 << 48) - 1)) << 80) | (7 << 76) | (rand_a << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1))
    )


def derived_id(digest: bytes, bucket: int) -> UUID:
    """The id that follows from a digest (16 bytes or more), in ``bucket``: a UUID version 8 (RFC 9562 section 5.8)."""
    noise = int.from_bytes(digest[:16], "big")
    low = noise & ((1 << 62) - 1)
    return UUID(
        int=((noise >> 80) << 80) | (8 << 76) | (bucket << 66) | (((noise >> 64) & 0b11) << 64) | (0b10 << 62) | low
    )


def bucket_of(identifier: UUID) -> int:
    """The bucket an id was issued in (0–1023)."""
    return (identifier.int >> 66) & (BUCKETS - 1)


def key_of(identifier: UUID) -> int:
    """The low 64 bits as a signed integer, as PostgreSQL's ``bigint`` holds them."""
    low = identifier.int & _LOW_64
    return low - (1 << 64) if low & _SIGN else low


@lru_cache(maxsize=1 << 16)
def parse_id(text: str) -> UUID | None:
    """The id behind a FHIR id, or None when no server-issued id reads like that (only the canonical lower case does)."""
    if len(text) != 36:
        return None
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None
