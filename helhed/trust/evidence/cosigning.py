"""The log as everybody sees it, and the witnesses that sign it."""

import hashlib
from typing import Any

import msgspec
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.evidence.public import HEADS, TreeReader, head_of, keys_of
from helhed.trust.evidence.witnessed import cosignatures

_LINE = b"helhed log cosignature v1\n"
_MOST_HEADS = 500
_WITNESSES = "select name, encode(public, 'hex') as public from foundation.log_witness order by name"
_HEAD = f"{HEADS} where number = $1"
_SIGN = "select foundation.put_cosignature($1, $2, $3, $4)"


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a witness sends."""

    number: int
    body: str
    signature: str


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it signed."""

    at: int
    head: str
    log: str
    v: int
    witness: str


class PublicLog:
    """What anybody may ask of the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def head(self) -> dict[str, Any]:
        """The newest head. Raises Unknown before there is one."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(f"{HEADS} order by number desc limit 1")
            if row is None:
                raise Unknown("The log has no head yet.")
            signed = await cosignatures(connection, row["number"], row["number"])
        return {"log": _log_of(row), "head": head_of(row), "cosignatures": [one.told() for one in signed]}

    async def heads(self, after: int) -> dict[str, Any]:
        """The heads that follow one."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(f"{HEADS} where number > $1 order by number limit {_MOST_HEADS}", after)
        return {"heads": [head_of(row) for row in rows]}

    async def keys(self) -> dict[str, Any]:
        """The keys of the log and of the witnesses it knows. Raises Unknown before there are any."""
        async with lend(self._pool) as connection:
            found = await keys_of(connection)
            witnesses = [dict(one) for one in await connection.fetch(_WITNESSES)]
        if not found:
            raise Unknown("The log has no key yet.")
        log = hashlib.sha256(b"helhed log v1\n" + bytes.fromhex(found[0]["public"])).hexdigest()
        return {"log": log, "keys": found, "witnesses": witnesses}

    async def consistency(self, first: int, second: int) -> dict[str, Any]:
        """That one tree is the beginning of another. Raises BadRequest."""
        async with lend(self._pool) as connection:
            newest = await connection.fetchval("select coalesce(max(size), 0) from foundation.log_head")
            if not 0 < first <= second <= newest:
                raise BadRequest("The log had no two such sizes.")
            proof = await TreeReader(connection, second).consistency(first)
        return {"consistency": [one.hex() for one in proof]}

    async def cosign(self, content: bytes) -> None:
        """Takes a witness's signature in. Raises BadRequest for one that does not hold, Unknown for who is no witness here."""
        try:
            envelope = msgspec.json.decode(content, type=Envelope)
            said = msgspec.json.decode(envelope.body, type=Signed)
            signature = bytes.fromhex(envelope.signature)
        except (msgspec.DecodeError, ValueError):
            raise BadRequest("That is not a witness's signature.") from None
        if not (0 <= said.at < 2**53 and 0 < envelope.number < 2**53 and said.witness.isprintable()):
            raise BadRequest("That is not a witness's signature.")
        async with lend_proven(self._pool, Duty.WITNESS) as connection:
            public = await connection.fetchval(
                "select public from foundation.log_witness where name = $1", said.witness
            )
            row = await connection.fetchrow(_HEAD, envelope.number)
            if public is None or row is None:
                raise Unknown("The log knows no such witness or head.")
            _check(envelope, said, signature, public, row)
            await connection.execute(_SIGN, envelope.number, said.witness, said.at, signature)


def _check(envelope: Envelope, said: Signed, signature: bytes, public: bytes, row: Any) -> None:
    digest = hashlib.sha256(row["body"].encode()).hexdigest()
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _LINE + envelope.body.encode())
    except InvalidSignature:
        raise BadRequest("The signature does not hold.") from None
    meant = orjson.dumps(msgspec.to_builtins(said), option=orjson.OPT_SORT_KEYS).decode()
    if envelope.body != meant or said.head != digest or said.log != _log_of(row) or said.v != 1:
        raise BadRequest("The signature is of something else.")


def _log_of(row: Any) -> str:
    log: str = orjson.loads(row["body"])["log"]
    return log
