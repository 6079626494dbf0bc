"""What clinicians decide about those who act for a patient, as pages have it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.trust.acting.parts import MasksOfParts
from helhed.trust.acting.rights import ActingForOthers


class PortalClinicians(ActingForOthers):
    """``ActingForOthers``, and masks of parts of rows."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.pool)
        self._parts = MasksOfParts(store)

    async def hide_part(
        self,
        ask: Ask,
        type_name: str,
        row: UUID,
        elements: Sequence[str],
        *,
        why: str,
        until: datetime,
        from_citizen: bool = False,
    ) -> UUID:
        """Hide these elements of a row, and no others of it. Raises Unknown, BadRequest or Conflict."""
        return await self._parts.hide(ask, type_name, row, elements, why=why, until=until, from_citizen=from_citizen)
