"""The store as pages read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask


@dataclass(frozen=True, slots=True)
class _Row:
    type_name: str
    id: UUID
    origin: int
    updated: datetime
    body: bytes


class PortalRows:
    """The store as pages read it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def citizen_rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> list[_Row]:
        """Rows of one citizen, decided and logged as one look."""
        rows = await self._store.citizen_rows(ask, citizen, types, limit)
        return [_Row(r.version.type_name, r.version.id, r.origin, r.version.updated, r.version.body) for r in rows]
