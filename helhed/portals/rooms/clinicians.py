"""What clinicians decide about those who act for a patient, as pages have it."""

from collections.abc import Sequence
from uuid import UUID

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.trust.acting.parts import MasksOfParts
from helhed.trust.acting.rights import ActingForOthers, Masking


class PortalClinicians(ActingForOthers):
    """``ActingForOthers``, and masks of parts of rows."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.pool)
        self._parts = MasksOfParts(store)

    async def hide_part(self, ask: Ask, masking: Masking, elements: Sequence[str]) -> UUID:
        """Hide these elements of a row, and no others of it. Raises Unknown, BadRequest or Conflict."""
        return await self._parts.hide(ask, masking, elements)
