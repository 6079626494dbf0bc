"""That a statement was asked for by the serving process: a proof that the database checks before what widens access is written.

Whoever has the password of ``helhed_app``, or smuggles a statement into a connection, has no key to prove with. The key follows
from the one that the password follows from, and neither can be worked out from the other.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Pool
from helhed.foundation.lend import lend

_BLOCK = 64  #: bytes of a block of SHA-256
_PUT = "select foundation.put_proof_keys($1::bytea[], $2::bytea[])"
_SET = "select set_config('helhed.proof', $1, $2)"


class Duty(StrEnum):
    """What a transaction is for; each table takes some of them (trust/migrations/0049)."""

    STORE = "store"  #: rows, and the facts that follow from them
    PERSON = "person"  #: what somebody decides: a block, a mandate, a ticket
    APPS = "apps"  #: clients, and what people allow them
    WITNESS = "witness"  #: the signatures of others beneath the log


def proof_secret(secret: bytes) -> bytes:
    """What follows from a key of the keyring."""
    return hmac.new(secret, b"proof of what is asked of the database", hashlib.sha256).digest()


async def put_proof_keys(connection: Connection, secrets: Sequence[bytes]) -> None:
    """These are accepted from now on, by an owner's connection."""
    blocks = [secret.ljust(_BLOCK, b"\0") for secret in secrets]
    pads = [[bytes(one ^ pad for one in block) for block in blocks] for pad in (0x36, 0x5C)]
    await connection.execute(_PUT, *pads)


def proof(secret: bytes, duty: str, process: int, second: int) -> str:
    """As ``foundation.proven`` checks it: for a duty, by the server process of one connection, for some minutes."""
    told = f"{duty} {second} {process}"
    return f"{duty} {second} {hmac.new(secret, told.encode(), hashlib.sha256).hexdigest()}"


async def prove(connection: Connection, duty: Duty, *, until_commit: bool = True) -> None:
    """The transaction under way is for ``duty``. A connection of the owner needs no proof, and has none."""
    keys: Sequence[bytes] = getattr(connection, "proofs", tuple)()
    if keys:
        said = proof(keys[0], duty, connection.get_server_pid(), int(system_clock().timestamp()))
        await connection.execute(_SET, said, until_commit)


@asynccontextmanager
async def lend_proven(pool: Pool, duty: Duty) -> AsyncIterator[Connection]:
    """As ``lend``, for statements that are transactions each: a refusal that they write down stays when an error follows."""
    async with lend(pool) as connection:
        await prove(connection, duty, until_commit=False)
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute(_SET, "", False)
