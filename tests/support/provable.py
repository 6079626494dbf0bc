"""A log that is sequenced when a test says so, and two witnesses who sign what they are shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helhed.foundation.database import Connection, connect
from helhed.trust.evidence.exporting import Evidence
from helhed.trust.evidence.sequencing import Sequencer
from helhed.trust.verifier.heads import cosignature_body
from tests.support.world import NOW, World

KEY = b"k" * 32
_ROUNDS = 50
WITNESSES = {"region": b"r" * 32, "patients": b"p" * 32}


def public(secret: bytes) -> bytes:
    """The public half of a key."""
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


TRUSTED = frozenset(public(secret) for secret in WITNESSES.values())


class ProvableLog:
    """The log of a world."""

    def __init__(self, world: World, connection: Connection, sequencer: Sequencer) -> None:
        self.world, self.connection, self.sequencer = world, connection, sequencer
        self.now: datetime = NOW

    @classmethod
    async def open(cls, world: World, secrets: Sequence[bytes] = (KEY,)) -> "ProvableLog":
        """Begun, with two witnesses known."""
        for name, secret in WITNESSES.items():
            await world.owner.execute(
                "insert into foundation.log_witness values ($1, $2) on conflict do nothing", name, public(secret)
            )
        opened = cls(world, await connect(world.target.owner), None)  # type: ignore[arg-type]
        await opened.connection.execute("set role helhed_log")
        opened.sequencer = await Sequencer.open(opened.connection, lambda: opened.now, secrets)
        return opened

    async def close(self) -> None:
        """The sequencer ends."""
        await self.connection.close()

    async def catch_up(self) -> int:
        """Rounds until nothing is new; returns how many rows were sequenced."""
        total = 0
        for _ in range(_ROUNDS):
            taken = await self.sequencer.round()
            total += taken
            if not taken:
                return total
        raise AssertionError("the log never comes to an end: rows are taken again and again")

    async def cosign(self, names: Sequence[str] = tuple(WITNESSES)) -> None:
        """Witnesses sign the newest head."""
        row: Any = await self.world.owner.fetchrow("select * from foundation.log_head order by number desc limit 1")
        head, log = hashlib.sha256(row["body"].encode()).hexdigest(), orjson.loads(row["body"])["log"]
        for name in names:
            content = b"helhed log cosignature v1\n" + cosignature_body(log, head, row["at"], name)
            signature = Ed25519PrivateKey.from_private_bytes(WITNESSES[name]).sign(content)
            await self.world.owner.execute(
                "insert into foundation.log_cosignature values ($1, $2, $3, $4) on conflict do nothing",
                row["number"], name, row["at"], signature,
            )  # fmt: skip

    async def export(self, patient: UUID) -> dict[str, Any]:
        """What a citizen downloads, sequenced and witnessed while they wait."""
        ask = replace(self.world.citizen(patient), at=self.now, trace=uuid4())

        async def pause() -> None:
            await self.catch_up()
            await self.cosign()

        content: dict[str, Any] = orjson.loads(await Evidence(self.world.store.pool, pause).export(ask))
        return content
