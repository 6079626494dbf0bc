"""What was put among the witnesses' signatures falsely denies nothing: it takes no true one's place, and is told to nobody."""

from typing import Any

import asyncpg
import orjson
import pytest

from helhed.foundation.database import connect
from helhed.trust.evidence.cosigning import PublicLog
from helhed.trust.evidence.watching import log_state
from helhed.trust.verifier.export import Trusted, verify
from tests.support.provable import TRUSTED, WITNESSES, ProvableLog
from tests.unit.evidence.test_sequencing import written
from tests.unit.evidence.test_tampering import a_citizen

_PUT = "select foundation.put_cosignature($1, $2, 1, $3)"
_NEWEST = "select max(number) from foundation.log_head"


async def falsely(log: ProvableLog, head: int) -> None:
    """Signatures of every witness that none of them made, as an owner could put them."""
    for name in WITNESSES:
        for value in (b"", b"\x00" * 64, b"\xff" * 64):
            await log.world.owner.execute(_PUT, head, name, value)


async def test_a_true_signature_is_taken_and_told_after_a_false_one(log: ProvableLog) -> None:
    await written(log.world.owner, 3)
    await log.catch_up()
    await falsely(log, await log.world.owner.fetchval(_NEWEST))
    public = PublicLog(log.world.store.pool)
    assert (await public.head())["cosignatures"] == []
    await log.cosign()
    assert [one["witness"] for one in (await public.head())["cosignatures"]] == sorted(WITNESSES)


async def test_a_proof_is_given_and_holds_among_false_signatures(log: ProvableLog) -> None:
    patient, _ = await a_citizen(log)
    cosign = log.cosign

    async def after_false_ones() -> None:
        await falsely(log, await log.world.owner.fetchval(_NEWEST))
        await cosign()

    log.cosign = after_false_ones  # type: ignore[method-assign, assignment]
    export: dict[str, Any] = await log.export(patient)
    assert len(export["cosignatures"]) == len(WITNESSES)
    assert verify(orjson.dumps(export), Trusted(witnesses=TRUSTED)).witnesses == tuple(sorted(WITNESSES))


async def test_a_witness_that_only_others_signed_for_counts_as_behind(log: ProvableLog) -> None:
    await written(log.world.owner, 3)
    await log.catch_up()
    newest = await log.world.owner.fetchval(_NEWEST)
    await falsely(log, newest)
    assert (await log_state(log.world.store.pool, log.now)).behind == newest
    await log.cosign()
    assert (await log_state(log.world.store.pool, log.now)).behind == 0


@pytest.mark.parametrize(
    ("head", "witness"), [(10**6, "region"), (1, "nobody")], ids=["no such head", "no such witness"]
)
async def test_nothing_is_kept_of_a_head_or_a_witness_that_there_is_not(
    log: ProvableLog, head: int, witness: str
) -> None:
    await written(log.world.owner, 1)
    await log.catch_up()
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await log.world.owner.execute(_PUT, head, witness, b"x")


async def test_a_stolen_connection_puts_none(log: ProvableLog) -> None:
    await written(log.world.owner, 1)
    await log.catch_up()
    thief = await connect(log.world.target.application)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await thief.execute(_PUT, 1, "region", b"x")
    await thief.close()
