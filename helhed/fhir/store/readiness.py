"""What happens to a search before it runs: it is refused while rows wait to be indexed, and its codes are worked out."""

from helhed.fhir.query import Query
from helhed.fhir.search_parameters import NEAR, SUBJECTS, unready
from helhed.fhir.store.codes import with_codes
from helhed.fhir.terminology import Terminology
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Overloaded
from helhed.foundation.lend import lend

_PENDING = "select name from fhir.index_work where done_at is null and name not like 'search parameter %'"


class Readiness:
    """What one process knows of it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.terminology = Terminology(pool)
        self._pending: frozenset[str] = frozenset()

    async def note_index_work(self, connection: Connection) -> None:
        """Look whether rows of an earlier release still wait to be indexed."""
        self._pending = frozenset(row["name"] for row in await connection.fetch(_PENDING))

    async def ready(self, query: Query, connection: Connection | None = None) -> Query:
        """The search as it can run. Raises Overloaded, BadRequest, and what ``with_codes`` raises.

        While it is being indexed, a search by what an earlier release did not index would find too little: nothing is better.
        """
        if (query.young and self._pending - {NEAR, SUBJECTS}) or (query.near and NEAR in self._pending):
            raise Overloaded("What this search asks for is being indexed. Try again later.")
        if query.custom:
            if connection is None:
                async with lend(self._pool) as lent:
                    await _check_indexed(lent, query.custom)
            else:
                await _check_indexed(connection, query.custom)
        return await with_codes(query, self.terminology)


async def _check_indexed(connection: Connection, numbers: tuple[int, ...]) -> None:
    """The database is asked at each such search: another process may have changed the set a moment ago."""
    why = await unready(connection, numbers)
    if why == "gone":
        raise BadRequest("A search parameter that this asks for is no longer in use here.")
    if why:
        raise Overloaded("What is stored is being indexed by a search parameter that this asks for. Try again later.")
