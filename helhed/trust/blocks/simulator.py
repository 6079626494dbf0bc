"""What somebody would see of a citizen if a block held: answered by the decision itself, for the citizen alone.

The database puts the block where the decision reads blocks, asks the decision, and takes all of it back before anybody
else meets it. No look is made, so no look of that reader is in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.blocks.shapes import Shape, parts_of

_TRY = "select * from trust.try_block($1::fhir.ask, $2, $3, $4, $5, $6, $7::jsonb, $8, $9::smallint[], $10::smallint)"
_CONSENT = TYPE_NUMBERS["Consent"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes to look with: a named professional, or somebody of a role at a place."""

    organisation: int
    role: str
    professional: int | None = None
    in_contact: bool = False  #: as if the place were treating the citizen now


class Seen(NamedTuple):
    """The basis by which a row is seen today, and by which it would be seen; None: it is not."""

    today: int | None
    then: int | None


class Simulator:
    """Tries blocks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tried(
        self,
        ask: Ask,
        citizen: int,
        reader: Reader,
        types: Sequence[str],
        *,
        shape: Shape | None = None,
        without: UUID | None = None,
    ) -> Mapping[UUID, Seen]:
        """Of each row that the asker sees of the citizen: what ``reader`` sees of it, with ``shape`` set and ``without`` ended.

        Empty for everybody but the citizen and those who act for the citizen in consents.
        """
        values = (citizen, reader.professional, reader.organisation, reader.role, reader.in_contact)
        parts = None if shape is None else parts_of(shape)
        numbers = sorted(TYPE_NUMBERS[name] for name in types)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            rows = await connection.fetch(_TRY, ask_row(ask), *values, parts, without, numbers, _CONSENT)
        return {row["id"]: Seen(row["today"], row["then_seen"]) for row in rows}
