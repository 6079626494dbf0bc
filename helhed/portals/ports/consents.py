"""What the pages of blocks and consents need: the citizen's own, and what somebody would see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.trust.blocks.shapes import Block, Consent, Shape
from helhed.trust.blocks.simulator import Reader, Seen
from helhed.trust.consents.for_others import Decided

__all__ = ["Block", "Blocks", "Consent", "Decided", "Job", "Reader", "Seen", "Shape"]


@dataclass(frozen=True, slots=True)
class Job:
    """Where somebody works, as the public register has it."""

    professional: int
    name: str
    organisation: int
    role: str


class Blocks(Protocol):
    """``trust``: the citizen's own blocks and consents."""

    async def history(self, ask: Ask) -> Sequence[Block]:
        """All that were ever set, the newest first."""
        ...

    async def of_another(self, ask: Ask, citizen: int) -> Decided:
        """Blocks and consents of whom the asker acts for in these, as one look. Unknown for anybody else."""
        ...

    async def put(self, ask: Ask, shape: Shape, block: UUID, instead_of: UUID | None) -> None:
        """Sets one, in force from the next request. Unprocessable for what nobody knows."""
        ...

    async def end(self, ask: Ask, block: UUID) -> bool:
        """Ends one; False when there is no such block of the asking citizen in force."""
        ...

    async def consents(self, ask: Ask) -> Sequence[Consent]:
        """All that were ever given, the newest first."""
        ...

    async def give(
        self,
        ask: Ask,
        consent: UUID,
        until: datetime,
        professional: int | None,
        organisation: int | None,
        block: UUID | None,
    ) -> None:
        """Lets somebody named read what is not blocked, or what ``block`` hides. Unprocessable for what nobody knows."""
        ...

    async def withdraw(self, ask: Ask, consent: UUID) -> bool:
        """Ends a consent; False when there is none in force."""
        ...

    async def tried(
        self, ask: Ask, citizen: int, reader: Reader, types: Sequence[str], shape: Shape | None, without: UUID | None
    ) -> Mapping[UUID, Seen]:
        """What a reader sees of each row, now and with the block: the decision's own answer."""
        ...

    async def chosen_clinic(self, ask: Ask) -> int | None:
        """The clinic that the citizen has chosen."""
        ...

    async def jobs(self, professionals: Sequence[int], now: datetime) -> Sequence[Job]:
        """Where these work now; those who work nowhere are left out."""
        ...

    async def professionals_called(self, name: str, limit: int) -> Sequence[int]:
        """Professionals by a part of the name."""
        ...
