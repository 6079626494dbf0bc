"""What happens to a search before it runs: it is refused while rows wait to be indexed, and its codes are worked out."""

from helhed.fhir.query import Query
from helhed.fhir.store.codes import with_codes
from helhed.fhir.terminology import Terminology
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Overloaded

_PENDING = "select exists (select from fhir.index_work where done_at is null)"


class Readiness:
    """What one process knows of it."""

    def __init__(self, pool: Pool) -> None:
        self.terminology = Terminology(pool)
        self._pending = False

    async def note_index_work(self, connection: Connection) -> None:
        """Look whether rows of an earlier release still wait to be indexed."""
        self._pending = bool(await connection.fetchval(_PENDING))

    async def ready(self, query: Query) -> Query:
        """The search as it can run. Raises Overloaded, and what ``with_codes`` raises.

        While it is being indexed, a search by what an earlier release did not index would find too little: nothing is better.
        """
        if self._pending and query.young:
            raise Overloaded("What this search asks for is being indexed. Try again later.")
        return await with_codes(query, self.terminology)
