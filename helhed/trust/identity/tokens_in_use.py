"""Introspection (RFC 7662) and revocation (RFC 7009): what is said about tokens, and how they end before their time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import NotAuthenticated
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.admission import Admission
from helhed.trust.identity.clients import Client
from helhed.trust.identity.jose import claims_of
from helhed.trust.identity.secrets import digest
from helhed.trust.tokens.claims import Held
from helhed.trust.tokens.verifying import TokenVerifier

INACTIVE: dict[str, Any] = {"active": False}
_TOLD = ("iss", "sub", "aud", "client_id", "scope", "iat", "nbf", "exp", "jti", "cnf", "org", "org_sor", "role",
         "authorization_id", "principal", "purpose", "patient", "act")  # fmt: skip
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class _Found:
    held: Held
    claims: dict[str, Any]


class TokensInUse:
    """Speaks of tokens to the clients they concern."""

    def __init__(self, pool: Pool, verifier: TokenVerifier, admission: Admission, clock: Clock) -> None:
        self._pool = pool
        self._verifier = verifier
        self._admission = admission
        self._clock = clock

    async def introspected(self, client: Client, token: str) -> dict[str, Any]:
        """What a token says, to its own client and to clients that serve by it; to others it is inactive, as an unknown one is."""
        found = self._access(token)
        if found is None:
            return await self._refresh_introspected(client, token)
        concerned = client.introspects or found.held.client == client.id
        if not concerned or not await self._admission.holds(found.held):
            return INACTIVE
        told = {name: found.claims[name] for name in _TOLD if name in found.claims}
        return {"active": True, "token_type": "DPoP" if found.held.key else "Bearer", **told}

    async def revoke(self, client: Client, token: str) -> None:
        """Ends a token of this client: an access token alone, a refresh token with all that follows from it."""
        found = self._access(token)
        if found is not None:
            if found.held.client == client.id:
                ends = datetime.fromtimestamp(found.held.ends, UTC)
                async with lend(self._pool) as connection:
                    await connection.execute("select trust.revoke_token($1, $2)", found.held.token, ends)
            return
        row = await self._refresh(client, token)
        if row is not None:
            statement = "select trust.end_authorisation($1, $2, $3)"
            async with lend_proven(self._pool, Duty.APPS) as connection:
                await connection.execute(statement, row["authorisation"], "revoked by the app", self._clock())

    async def _refresh_introspected(self, client: Client, token: str) -> dict[str, Any]:
        row = await self._refresh(client, token)
        if row is None:
            return INACTIVE
        ends = int(row["expires_at"].timestamp())
        return {"active": True, "client_id": client.id, "scope": row["scope"], "exp": ends}

    async def _refresh(self, client: Client, token: str) -> Any:
        statement = "select * from trust.refresh_token_of($1, $2, $3)"
        async with lend(self._pool) as connection:
            return await connection.fetchrow(statement, digest(token), client.id, self._clock())

    def _access(self, token: str) -> _Found | None:
        """An access token of ours that has not ended; None for anything else, demo tokens among it."""
        if len(token) > _LONGEST or not token.isascii():
            return None
        for scheme in (b"Bearer ", b"DPoP "):
            try:
                held = self._verifier.held(scheme + token.encode())
                self._verifier.asking(held)
            except NotAuthenticated:
                continue
            return _Found(held, claims_of(token)) if held.token is not None else None
        return None
