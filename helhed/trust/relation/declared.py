"""Treatment relations that people declare themselves (class D), and what a person may see right now."""

from datetime import datetime
from uuid import uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.policy import policy


class TreatmentRelations:
    """Declares relations of class D."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def declare(self, ask: Ask, citizen: int, reason: str) -> datetime:
        """The asker treats the citizen now: holds until the deadline returned. Raises Forbidden when the role may not."""
        until = ask.at + policy().declared_lasts
        statement = "select trust.declare_relation($1::fhir.ask, $2, $3, $4, $5)"
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(statement, ask_row(ask), uuid4(), citizen, reason[:200], until):
                raise Forbidden("Your role cannot declare a treatment relation.")
        return until

    async def basis(self, ask: Ask, citizen: int, type_name: str = "Patient") -> int | None:
        """Why the asker may see this citizen's rows of a type now; None when not. Not a look: nothing is returned."""
        async with lend(self._pool) as connection:
            number = TYPE_NUMBERS[type_name]
            basis = await connection.fetchval(
                "select trust.may_see($1::fhir.ask, $2, $3::smallint)", ask_row(ask), citizen, number
            )
        return None if basis is None else int(basis)
