"""What witnesses signed, as far as it holds. Whatever stands in the table is checked when it is read: what was put there falsely
takes no true signature's place, and is told to nobody.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from helhed.foundation.database import Connection
from helhed.trust.evidence.public import HEADS
from helhed.trust.verifier.heads import cosignature_body
from helhed.trust.verifier.primitives import signed_by

_NAMES = "select name from foundation.log_witness"
_SIGNED = """
select c.head, c.witness, w.public, c.at, c.signature, h.body
from foundation.log_cosignature c join foundation.log_witness w on w.name = c.witness join foundation.log_head h on h.number = c.head
where c.head between $1 and $2 order by c.head, c.witness, c.at, c.signature"""
_LAST = """
select c.head, c.witness, w.public, c.at, c.signature, h.body
from foundation.log_witness w
cross join lateral (select * from foundation.log_cosignature x where x.witness = w.name order by x.head desc limit $1) c
join foundation.log_head h on h.number = c.head order by c.head desc"""
_NEWEST_OF = 20  #: signatures of a witness that are looked at, to say how far it has come
_OLD_HEADS = 50
_OLD_HEAD = f"""
{HEADS} where at <= $1 and number < $2
and exists (select from foundation.log_cosignature c where c.head = number) order by at desc, number desc limit 1"""
_NONE_YET = 2**62


class Cosignature(NamedTuple):
    """One that holds."""

    head: int
    witness: str
    public: bytes
    at: int  #: microseconds since 1970, by the witness's clock
    signature: bytes

    def told(self) -> dict[str, Any]:
        """As others read it."""
        return {**self._asdict(), "public": self.public.hex(), "signature": self.signature.hex()}


async def cosignatures(connection: Connection, first: int, last: int) -> list[Cosignature]:
    """Those of heads ``first`` to ``last`` that hold, one of a witness to a head."""
    return _sound(await connection.fetch(_SIGNED, first, last))


async def signers_missing(connection: Connection, first: int, last: int) -> bool:
    """Whether a witness has signed none of these heads."""
    names = {row["name"] for row in await connection.fetch(_NAMES)}
    return bool(names - {one.witness for one in await cosignatures(connection, first, last)})


async def last_witnessed(connection: Connection, first: int, last: int) -> int:
    """The first of these heads by which each witness that signed any of them has signed one; ``first`` when none has."""
    earliest: dict[str, int] = {}
    for one in await cosignatures(connection, first, last):
        earliest.setdefault(one.witness, one.head)
    return max(earliest.values(), default=first)


async def head_witnessed_before(connection: Connection, at: int) -> Any:
    """The newest head up to a moment (microseconds) that a witness has signed; None when there is none."""
    below = _NONE_YET
    for _ in range(_OLD_HEADS):
        row = await connection.fetchrow(_OLD_HEAD, at, below)
        if row is None or await cosignatures(connection, row["number"], row["number"]):
            return row
        below = row["number"]
    return None


async def how_far(connection: Connection) -> dict[str, int]:
    """The newest head that each witness has signed; 0 for one that has signed none."""
    found = {row["name"]: 0 for row in await connection.fetch(_NAMES)}
    for one in _sound(await connection.fetch(_LAST, _NEWEST_OF)):
        found[one.witness] = max(found[one.witness], one.head)
    return found


def _sound(rows: Sequence[Any]) -> list[Cosignature]:
    held: dict[tuple[int, str], Cosignature] = {}
    for row in rows:
        place = row["head"], row["witness"]
        if place not in held and _holds(row):
            held[place] = Cosignature(*place, row["public"], row["at"], row["signature"])
    return list(held.values())


def _holds(row: Any) -> bool:
    digest = hashlib.sha256(row["body"].encode()).hexdigest()
    content = cosignature_body(orjson.loads(row["body"])["log"], digest, row["at"], row["witness"])
    return signed_by(row["public"], "helhed log cosignature v1", content, row["signature"])
