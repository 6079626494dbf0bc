"""Whether a token that is sound by its bytes holds now: not revoked, its client not retired, what somebody allowed not ended,
and what it was exchanged for still trusted.

It is asked of the database before every look by a token of the authorisation server, so that a revocation holds from the next
request on, on every worker (``docs/decisions/0023``). Those who come together share one statement.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from helhed.foundation.batcher import Batcher
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.lend import lend
from helhed.trust.identity.errors import InvalidProof
from helhed.trust.identity.proofs import Proof, Proofs
from helhed.trust.tokens.claims import Held


class Revoked(NotAuthenticated):
    """The token is missing, expired or not ours."""


class Admission:
    """Lets in who brings a token that holds, and proves to have the key it is bound to."""

    def __init__(self, pool: Pool, proofs: Proofs, clock: Clock) -> None:
        self.proofs = proofs
        self._pool = pool
        self._clock = clock
        self._batcher: Batcher[Held, bool] = Batcher(self._hold)

    async def admit(self, held: Held, token: str, proofs: Sequence[str], method: str, url: str) -> Proof | None:
        """Raises Revoked; or InvalidProof or UseNonce where a token that is bound comes without the proof of this request."""
        proof = await self._proven(held, token, proofs, method, url)
        if not await self._batcher.submit(held):
            raise Revoked
        return proof

    async def holds(self, held: Held) -> bool:
        """Whether a token holds now, whoever has it."""
        return held.token is None or await self._batcher.submit(held)

    async def _proven(self, held: Held, token: str, proofs: Sequence[str], method: str, url: str) -> Proof | None:
        if not held.key:
            return None
        if len(proofs) != 1:
            raise InvalidProof
        proof = self.proofs.judge(proofs[0], method, url, token)
        if proof.key != held.key:
            raise InvalidProof
        await self.proofs.take(proof)
        return proof

    async def _hold(self, held: Sequence[Held]) -> list[bool | Exception]:
        statement = "select trust.tokens_hold($1, $2, $3, $4, $5, $6, $7)"
        tokens, clients = [one.token for one in held], [one.client for one in held]
        families = [one.authorisation for one in held]
        issuers, places = [one.vouched_by or None for one in held], [one.vouched_for or None for one in held]
        begun = [datetime.fromtimestamp(one.begins + 1, UTC) for one in held]  # it was made within that second
        async with lend(self._pool) as connection:
            rows = await connection.fetch(statement, tokens, clients, families, issuers, places, begun, self._clock())
        return [bool(row[0]) for row in rows]
