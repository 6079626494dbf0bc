"""Where sessions are kept."""

from collections.abc import Sequence

import msgspec

from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.foundation.seal import Seal, SealBroken
from helhed.portals.sessions import Principal, Session, from_bytes, to_bytes

_GET = "select kept from portals.session where key = $1 and (kind is distinct from 1 or trust.may_be_here(actor))"

_PUT = """
insert into portals.session (key, kept, kind, actor, upstream) values ($1, $2, $3, $4, $5)
on conflict (key) do update set kept = excluded.kept, kind = excluded.kind, actor = excluded.actor, upstream = excluded.upstream,
  touched_at = clock_timestamp()
"""

_CHANGE = """
update portals.session set kept = $2, kind = $3, actor = $4, upstream = $5, touched_at = clock_timestamp() where key = $1
"""


class PortalSessions:
    """Sessions in PostgreSQL, shared by every worker. They name people and the patients opened, so they are sealed."""

    def __init__(self, pool: Pool, seal: Seal) -> None:
        self._pool = pool
        self._seal = seal

    async def get(self, key: str) -> Session | None:
        """The session, or None; none of a citizen who is registered as dead, for as long as that stands."""
        async with lend(self._pool) as connection:
            kept = await connection.fetchval(_GET, key)
        return None if kept is None else self._opened(key, kept)

    async def put(self, key: str, session: Session) -> None:
        """Stores or replaces it, with whose it is beside it."""
        who, login = session.principal, session.login
        sealed = self._seal.close(to_bytes(session), key)
        async with lend(self._pool) as connection:
            await connection.execute(_PUT, key, sealed, who.kind, who.actor, list(login.upstream) if login else [])

    async def change(self, key: str, session: Session) -> None:
        """Replaces it where it still stands: a request that was under way brings no ended session back."""
        who, login = session.principal, session.login
        sealed = self._seal.close(to_bytes(session), key)
        async with lend(self._pool) as connection:
            await connection.execute(_CHANGE, key, sealed, who.kind, who.actor, list(login.upstream) if login else [])

    async def drop(self, key: str) -> None:
        """Ends it, and sweeps what nobody touched for a day."""
        statement = "delete from portals.session where key = $1 or touched_at < clock_timestamp() - interval '1 day'"
        async with lend(self._pool) as connection:
            await connection.execute(statement, key)

    async def of(self, principal: Principal) -> list[tuple[str, Session]]:
        """Every session of this person."""
        statement = "select key, kept from portals.session where kind = $1 and actor = $2"
        async with lend(self._pool) as connection:
            rows = await connection.fetch(statement, principal.kind, principal.actor)
        opened = [(row["key"], self._opened(row["key"], row["kept"])) for row in rows]
        return [(key, session) for key, session in opened if session is not None]

    async def drop_upstream(self, digests: Sequence[str]) -> int:
        """Ends those that a provider knows by one of these."""
        statement = "delete from portals.session where upstream && $1::text[] returning key"
        async with lend(self._pool) as connection:
            return len(await connection.fetch(statement, list(digests)))

    def _opened(self, key: str, kept: bytes) -> Session | None:
        try:
            return from_bytes(self._seal.open(kept, key))
        except (SealBroken, msgspec.DecodeError):  # from a version that kept other things, or another key
            return None
