"""Opening write sessions: a transaction each, by the search parameters in use; what the database refuses is said in our words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.search_parameters import OUTDATED, Keeper, SetChanged
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.hooks import Hooks
from helhed.fhir.store.readiness import Readiness
from helhed.fhir.store.session import WriteSession
from helhed.fhir.store.together import Together
from helhed.foundation.ask import Ask
from helhed.foundation.database import OVERTAKEN, Connection, Pool
from helhed.foundation.errors import Conflict
from helhed.foundation.lend import lend


class Sessions:
    """Opens write sessions on a pool."""

    def __init__(self, pool: Pool, hooks: Hooks, signer: CursorSigner, knowledge: Knowledge | None = None) -> None:
        self._pool = pool
        self._knowledge = knowledge
        self._hooks = hooks
        self._signer = signer
        self.readiness = Readiness(pool)
        self.parameters = Keeper(pool)

    @asynccontextmanager
    async def begin(self, ask: Ask) -> AsyncIterator[WriteSession]:
        """A session that commits when the block ends and is undone when it raises."""
        async with self._transaction() as connection:
            yield WriteSession(connection, ask, self._hooks, self._signer, self.readiness, self._knowledge)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Together]:
        """The same for what several asks create. Whatever of one of them the database cannot take is a Conflict of all."""
        try:
            async with self._transaction() as connection:
                yield Together(connection, self._hooks, self._signer, self._knowledge)
        except asyncpg.PostgresError as error:
            raise Conflict from error

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        await self.parameters.learn()
        try:
            async with lend(self._pool) as connection, connection.transaction():
                yield connection
        except OVERTAKEN as error:
            raise Conflict from error
        except asyncpg.UniqueViolationError as error:
            raise Conflict("Somebody with this identifier is already here.") from error
        except asyncpg.PostgresError as error:
            if error.sqlstate != OUTDATED:
                raise
            await self.parameters.refresh()
            raise SetChanged from error
