"""What clinicians decide about those who act for a patient, and about their own assistants. The shapes are those of ``trust``."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.acting.rights import ActingOn, Assistance, Assistant, Hidden, Masking


class Clinicians(Protocol):
    """``trust``: decisions of a treating clinician, and of whoever is responsible for assistants."""

    async def hide(self, ask: Ask, masking: Masking) -> UUID:
        """Hides a row from those who act for the citizen, or from the citizen too. Unknown."""
        ...

    async def hide_part(self, ask: Ask, masking: Masking, elements: Sequence[str]) -> UUID:
        """Hides these elements of a row, and no others of it. Unknown, BadRequest, Conflict."""
        ...

    async def unmask(self, ask: Ask, mask: UUID) -> None:
        """Shows it again. Unknown."""
        ...

    async def masks_on(self, ask: Ask, citizen: int) -> Sequence[Hidden]:
        """What is hidden now."""
        ...

    async def acting_on(self, ask: Ask, citizen: int) -> Sequence[ActingOn]:
        """Who acts for the patient, and the parents of a youth."""
        ...

    async def decide_for_youth(self, ask: Ask, custody: UUID, *, why: str, until: datetime) -> None:
        """A parent sees the record of a youth. Forbidden."""
        ...

    async def end(self, ask: Ask, acting: UUID) -> None:
        """Such a decision holds no longer. Unknown."""
        ...

    async def assistances(self, ask: Ask) -> Sequence[Assistance]:
        """Whom the asker is responsible for, and under whom the asker works."""
        ...

    async def assistants(self, ask: Ask) -> Sequence[Assistant]:
        """Who is employed to assist where the asker works."""
        ...

    async def take_on(self, ask: Ask, assistant: int, until: datetime, *, delegated: Collection[str] = ()) -> UUID:
        """The asker answers for an assistant. Forbidden."""
        ...

    async def let_go(self, ask: Ask, assistance: UUID) -> None:
        """No longer. Unknown."""
        ...
