"""Whether rows of an earlier release still wait to be indexed: until then some parameters would find too little."""

from helhed.fhir.query import Query
from helhed.foundation.database import Connection
from helhed.foundation.errors import Overloaded

_PENDING = "select exists (select from fhir.index_work where done_at is null)"


class IndexState:
    """What one process knows of it."""

    def __init__(self) -> None:
        self._pending = False

    async def note(self, connection: Connection) -> None:
        """Look how far indexing has come."""
        self._pending = bool(await connection.fetchval(_PENDING))

    def check(self, query: Query) -> None:
        """Raises Overloaded for a search by what is not indexed whole: nothing is better than too little."""
        if self._pending and query.young:
            raise Overloaded("What this search asks for is being indexed. Try again later.")
